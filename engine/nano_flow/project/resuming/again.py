"""What a resume does again: the step that ``--from`` names, and everything that depends on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from nano_flow.core.errors import UsageError
from nano_flow.core.money import usd
from nano_flow.plan.plan import Plan, PlannedStep
from nano_flow.plan.walk import every_step
from nano_flow.ports import RecordedWork
from nano_flow.project.resuming.context import steps_that_depend

K = TypeVar("K", tuple[str, int], tuple[str, str], tuple[str, int, str])
V = TypeVar("V")
_INDEX = re.compile(r"\[\d+\]")


def without(recorded: RecordedWork, plan: Plan, address: str) -> RecordedWork:
    """``recorded`` without what ``address``, or a step downstream of it, did. UsageError where there is no such step.

    What was paid stays paid: only the replies are not used again.
    """
    steps = dict(every_step(plan.graph))
    path = _INDEX.sub("", address)
    if path not in steps:
        raise UsageError(f'there is no step "{path}" in this workflow; there are: {", ".join(steps)}')
    below = _downstream(steps, path)

    def again(place: str) -> bool:
        if place == address or place.startswith((f"{address}.", f"{address}[")):
            return True
        where = _INDEX.sub("", place)
        return any(where == other or where.startswith(f"{other}.") for other in below)

    def kept(work: RecordedWork) -> RecordedWork:
        return replace(
            work,
            calls=_kept(work.calls, again),
            checked=_kept(work.checked, again),
            tools=_kept(work.tools, again),
            tools_in_doubt=_kept(work.tools_in_doubt, again),
            approvals=_kept(work.approvals, again),
            asked_at=_kept(work.asked_at, again),
            waits={place: v for place, v in work.waits.items() if not again(place)},
            finished=frozenset(p for p in work.finished if not again(p) and not address.startswith((f"{p}.", f"{p}["))),
        )

    since_end = recorded.since_end
    return replace(kept(recorded), since_end=None if since_end is None else kept(since_end))


def changes_message(changed: Iterable[str], plan: Plan, recorded: RecordedWork, run_id: str) -> str:
    """Names what changed, the answers that may not hold any more, and what asking again costs at most."""
    names = list(changed)
    paths = steps_that_depend(plan, names)
    calls = [call for (place, _), call in recorded.calls.items() if _INDEX.sub("", place) in paths]
    answered = dict.fromkeys(place for place, _ in recorded.approvals if _INDEX.sub("", place) in paths)
    lost = sum(call.cost or 0 for call in calls)
    told = [f"the workflow has changed since the run began: {_quoted(names)}."]
    if calls:
        # Which prompts a tool or a default changes is known only when they are rendered.
        count = str(len(calls)) if paths <= frozenset(names) else f"Up to {len(calls)}"
        told.append(f"{count} recorded model calls (${usd(lost)}) will be made and paid again.")
    if answered:
        told.append(f"The answer at {_quoted(answered)} holds only if its question still reads the same.")
    told.append(f'"nano-flow resume {run_id} --accept-changes" goes on with the new text')
    return " ".join(told)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _kept(work: Mapping[K, V], again: Callable[[str], bool]) -> dict[K, V]:
    return {key: value for key, value in work.items() if not again(key[0])}


def _downstream(steps: Mapping[str, PlannedStep], path: str) -> set[str]:
    """Paths of all steps that wait for ``path``, or for a group that it stands in, directly or not."""
    waiting: dict[str, list[str]] = {}
    for other, step in steps.items():
        prefix = other[: len(other) - len(step.id)]
        for upstream in {*step.needs, *step.references}:
            waiting.setdefault(f"{prefix}{upstream}", []).append(other)
    pending = [path]
    while (outer := pending[-1].rpartition(".")[0]) in steps:
        pending.append(outer)
    found: set[str] = set()
    while pending:
        for other in waiting.get(pending.pop(), ()):
            if other not in found:
                found.add(other)
                pending.append(other)
    return found
