"""What a resume does again: what failed on its merits, what ``--from`` and ``--failed`` name, what depends on it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TypeVar

from nano_flow.core.calls import Reopened
from nano_flow.core.errors import WITHOUT_REPLY, UsageError
from nano_flow.core.events import StepCollected, StepFailed, StepsReopened
from nano_flow.core.money import Money, usd
from nano_flow.core.refs import Address, around, child, path_of
from nano_flow.plan.plan import Plan, PlannedStep
from nano_flow.plan.walk import every_step
from nano_flow.ports import RecordedWork
from nano_flow.project.resuming.context import places_of_files, steps_that_depend

K = TypeVar("K", tuple[str, int], tuple[str, str], tuple[str, int, str])
V = TypeVar("V")
_SHOWN = 5
"""Executions that an announcement names."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person orders: executions by address, and ``failed`` for all that failed, tolerated or not."""

    addresses: tuple[str, ...] = ()
    failed: bool = False


def reopened(
    recorded: RecordedWork, plan: Plan, wanted: Wanted, counts: Mapping[str, int], now: float
) -> StepsReopened | None:
    """What this life does again although something is recorded of it; None for nothing.

    ``counts`` are the fan-outs and loops that were seen, by address, and how many executions they have at most.
    UsageError for an address that does not exist.
    """
    steps = dict(every_step(plan.graph))
    addresses, paths = set[str](), set[str]()
    for address in wanted.addresses:
        path = path_of(address)
        _must_exist(address, steps, counts)
        (addresses if "[" in address or not _is_many(path, steps) else paths).add(address)
        paths |= _downstream(steps, path)
    for place, failure in recorded.failed.items():
        # What failed inside a step whose failure is tolerated is kept with it.
        if wanted.failed or (_on_its_merits(failure) and recorded.tolerated_at.isdisjoint(around(place))):
            addresses.add(place)
    addresses |= set(undone_setups(recorded, plan))
    # A group that failed for a step inside it goes on; only the innermost failure is done again.
    above = {outer for place in recorded.failed for outer in list(around(place))[1:]}
    named = frozenset(wanted.addresses)
    named |= frozenset(undone_setups(recorded, plan))
    ordered = {place for place in addresses if place not in above or place in named or _is_loop(recorded, place)}
    if not ordered and not paths:
        return None
    return StepsReopened(now, "", tuple(sorted(ordered)), tuple(sorted(paths)))


def undone_setups(recorded: RecordedWork, plan: Plan) -> list[str]:
    """The executions marked ``setup`` that handlers of an earlier life have undone, and that were not done since."""
    done_at: dict[str, float] = {}
    for (place, _, _), called in recorded.tools.items():
        for outer in around(place):
            done_at[outer] = max(done_at.get(outer, 0.0), called.at)
    found = []
    for path, step in every_step(plan.graph):
        parent = path.rpartition(".")[0]
        for graph, ended in recorded.torn_down.items():
            if step.setup and path_of(graph) == parent and (not graph or graph not in recorded.finished):
                place = child(Address(graph), step.id)
                if 0.0 < done_at.get(place, 0.0) <= ended:
                    found.append(str(place))
    return found


def kept_below(plan: Plan, setups: Iterable[str]) -> frozenset[str]:
    """Paths of what depends on ``setups``: what succeeded of it is kept, whatever values they give now."""
    steps = dict(every_step(plan.graph))
    below = {other for place in setups for other in _downstream(steps, path_of(place))}
    return frozenset(path for path in steps if not below.isdisjoint(around(path)))


def without(recorded: RecordedWork, event: StepsReopened) -> RecordedWork:
    """``recorded`` without what ``event`` is about. What was paid stays paid: only the replies are not used again."""
    order = Reopened(event)

    def kept(work: RecordedWork) -> RecordedWork:
        tolerated = {key: value for key, value in work.tolerated.items() if not order.reaches(key[0])}
        return replace(
            work,
            calls=_kept(work.calls, order),
            checked=_kept(work.checked, order),
            tools=_kept(work.tools, order),
            tools_in_doubt=_kept(work.tools_in_doubt, order),
            approvals=_kept(work.approvals, order),
            asked_at=_kept(work.asked_at, order),
            waits={place: wait for place, wait in work.waits.items() if not order.covers(place)},
            finished=frozenset(place for place in work.finished if not order.reaches(place)),
            tolerated=tolerated,
            tolerated_at=frozenset(place for place, _ in tolerated),
        )

    since_end = recorded.since_end
    return replace(kept(recorded), since_end=None if since_end is None else kept(since_end))


def announcement(recorded: RecordedWork, order: StepsReopened, setups: Collection[str] = ()) -> str:
    """What is done again, why, and what that is likely to cost: what it cost before."""
    covers = Reopened(order).covers
    calls = [call for (place, _), call in recorded.calls.items() if covers(place)]
    named = [_because(place, recorded.failed.get(place), setups) for place in order.addresses]
    shown = ", ".join(named[:_SHOWN]) + (f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else "")
    below = f"{', and ' if named else ''}what depends on it: {_quoted(order.paths)}" if order.paths else ""
    cost = Money(sum(call.cost or 0 for call in calls))
    unknown = " and more, for some are unpriced" if any(call.cost is None for call in calls) else ""
    kind = " simulated" if calls and all(call.reply.simulated for call in calls) else ""
    again = "1 model call is" if len(calls) == 1 else f"{len(calls)} model calls are"
    paid = f"; {again} made again, likely for about ${usd(cost)}{kind}{unknown}" if calls else ""
    return f"done again: {shown}{below}{paid}"


def _because(place: str, failure: StepFailed | StepCollected | None, setups: Collection[str]) -> str:
    if place in setups:
        return f'"{place}" (setup)'
    return f'"{place}"' if failure is None else f'"{place}" ({failure.error})'


def _on_its_merits(failure: StepFailed | StepCollected) -> bool:
    """Whether something was said or done that did not do; else a call that never came is simply made."""
    return not failure.tolerated and failure.error not in WITHOUT_REPLY


def _is_loop(recorded: RecordedWork, place: str) -> bool:
    return isinstance(recorded.failed.get(place), StepCollected) and recorded.failed[place].error == "exhausted"


def _is_many(path: str, steps: Mapping[str, PlannedStep]) -> bool:
    """Whether a step stands inside a fan-out or a loop: its bare path is all of its executions."""
    outer = list(around(path))[1:]
    return any(step.for_each or step.repeat for each in outer if (step := steps.get(each)) is not None)


def _must_exist(address: str, steps: Mapping[str, PlannedStep], counts: Mapping[str, int]) -> None:
    path = path_of(address)
    if path not in steps:
        near = get_close_matches(path, steps, 1)
        hint = f', did you mean "{near[0]}"?' if near else ""
        raise UsageError(f'there is no step "{path}" in this workflow{hint}; there are: {", ".join(steps)}')
    for outer in around(address):
        if not outer.endswith("]"):
            continue
        parent, _, index = outer[:-1].rpartition("[")
        count = counts.get(parent)
        if count is None or int(index) >= count:
            has = "was never expanded in this run" if count is None else f"has {count} executions, from 0"
            raise UsageError(f'there is no "{outer}" in this run: "{parent}" {has}')


def changes_message(changed: Iterable[str], plan: Plan, recorded: RecordedWork, run_id: str) -> str:
    """Names what changed, the answers that may not hold any more, and what asking again costs at most."""
    names = list(changed)
    paths = steps_that_depend(plan, names) | places_of_files(recorded, names)
    calls = [call for (place, _), call in recorded.calls.items() if path_of(place) in paths]
    answered = dict.fromkeys(place for place, _ in recorded.approvals if path_of(place) in paths)
    lost = sum(call.cost or 0 for call in calls)
    told = [f"the workflow has changed since the run began: {_quoted(names)}."]
    if calls:
        # Which prompts a tool or a default changes is known only when they are rendered.
        count = (
            str(len(calls)) if paths <= frozenset(names) | places_of_files(recorded, names) else f"Up to {len(calls)}"
        )
        told.append(f"{count} recorded model calls (${usd(lost)}) will be made and paid again.")
    if answered:
        told.append(f"The answer at {_quoted(answered)} holds only if its question still reads the same.")
    told.append(f'"nano-flow resume {run_id} --accept-changes" goes on with the new text')
    return " ".join(told)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _kept(work: Mapping[K, V], order: Reopened) -> dict[K, V]:
    return {key: value for key, value in work.items() if not order.covers(key[0])}


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
