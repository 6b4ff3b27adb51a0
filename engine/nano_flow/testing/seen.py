"""What a rehearsed run did, step by step, in the words of ``expect:``."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from nano_flow.core.events import (
    CallIntended,
    Event,
    StepCollected,
    StepExpanded,
    StepRetried,
    StepSkipped,
    StepStarted,
    ToolCalled,
)
from nano_flow.core.messages import Json

_INDEX = re.compile(r"\[(\d+)\]")


@dataclass(slots=True)
class StepSeen:
    """All executions of one step."""

    addresses: dict[str, int] = field(default_factory=dict)
    """Address of an execution → how often it was started (more than once by a retried group)."""
    retries: int = 0
    further_calls: int = 0
    tools: list[tuple[tuple[int, ...], int, int, str]] = field(default_factory=list)
    """Item and iteration, turn, place in the turn, and name of each call that an agent made."""
    skipped: str | None = None
    collected: StepCollected | None = None
    expanded: bool = False


def by_path(events: Sequence[Event]) -> Mapping[str, StepSeen]:
    """Path (address without indices) → what was seen of the step."""
    seen: defaultdict[str, StepSeen] = defaultdict(StepSeen)
    watch = _Watch()
    for event in events:
        address = getattr(event, "address", None)
        if isinstance(address, str):
            watch.take(seen[_INDEX.sub("", address)], address, event)
    return seen


@dataclass(slots=True)
class _Watch:
    calls: dict[tuple[str, int], int] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def take(self, step: StepSeen, address: str, event: Event) -> None:
        """Note what one event says of its step."""
        if isinstance(event, StepStarted):
            # The case of a switch starts at the switch's own address: that is still one execution.
            if self.kinds.setdefault(address, event.kind) == event.kind:
                step.addresses[address] = step.addresses.get(address, 0) + 1
        elif isinstance(event, CallIntended):
            place = (address, event.turn)
            step.further_calls += place in self.calls
            self.calls[place] = self.calls.get(place, 0) + 1
        elif isinstance(event, ToolCalled) and event.call.isdigit():
            step.tools.append((_place({"address": address}), event.turn, int(event.call), event.tool))
        else:
            _take_other(step, event)


def _take_other(step: StepSeen, event: Event) -> None:
    if isinstance(event, StepRetried):
        step.retries += 1
    elif isinstance(event, StepSkipped):
        step.skipped = event.reason
    elif isinstance(event, StepExpanded):
        step.expanded = event.over == "for_each" or step.expanded
    elif isinstance(event, StepCollected):
        step.collected = event


def described(
    path: str, seen: Mapping[str, StepSeen], rows: Sequence[Mapping[str, Json]], prompts: Mapping[str, list[str]]
) -> dict[str, Json]:
    """One step as ``expect.steps.ID`` names its sides. ``rows`` are the steps of the run's document."""
    step = seen.get(path, StepSeen())
    mine = sorted((row for row in rows if _INDEX.sub("", str(row["address"])) == path), key=_place)
    last = mine[-1] if mine else {}
    executions = sorted(step.addresses, key=lambda address: _place({"address": address}))
    return {
        "status": _status(step, mine if _in_fan_out(path, seen) else mine[-1:]),
        "reason": step.skipped if not step.addresses else last.get("reason"),
        "times": len(step.addresses),
        "attempts": sum(step.addresses.values()) + step.retries + step.further_calls,
        "model": last.get("model"),
        "tier": last.get("tier"),
        "case": last.get("case"),
        "output": _output(step, mine),
        "errors": _errors(step, mine),
        "error": _error(step, mine),
        "calls": [name for *_, name in sorted(step.tools)],
        "prompts": {str(n): prompts.get(address, [None])[0] for n, address in enumerate(executions, 1)},
        "cost": str(sum((Decimal(str(row.get("cost_usd") or "0")) for row in mine), start=Decimal(0))),
    }


def _in_fan_out(path: str, seen: Mapping[str, StepSeen]) -> bool:
    """Whether the step, or one around it, has items; in a loop only the last iteration counts."""
    parts = path.split(".")
    return any(seen.get(".".join(parts[:n]), StepSeen()).expanded for n in range(1, len(parts) + 1))


def _status(step: StepSeen, rows: Sequence[Mapping[str, Json]]) -> Json:
    if step.collected is not None and step.collected.status == "failed":
        return "failed"
    statuses = {str(row["status"]) for row in rows}
    if step.expanded and step.collected is not None:
        return step.collected.status
    for status in ("failed", "waiting", "running"):
        if status in statuses:
            return status
    return next(iter(statuses), "skipped" if step.skipped else "pending")


def _output(step: StepSeen, rows: Sequence[Mapping[str, Json]]) -> Json:
    outputs = [row.get("output") for row in rows]
    if step.expanded:
        return [output for row, output in zip(rows, outputs, strict=True) if _INDEX.search(str(row["address"]))]
    return outputs[-1] if outputs else None


def _errors(step: StepSeen, rows: Sequence[Mapping[str, Json]]) -> Json:
    if step.collected is not None:
        return [
            {"index": e.index, "item": e.item, "class": e.failure.kind, "message": e.failure.message}
            for e in step.collected.errors
        ]
    return [row["error"] for row in rows if row.get("error")]


def _error(step: StepSeen, rows: Sequence[Mapping[str, Json]]) -> Json:
    """Of the whole fan-out where it failed, else of the last execution."""
    if step.collected is not None and step.collected.status == "failed":
        return {"class": step.collected.error, "message": step.collected.message}
    return rows[-1].get("error") if rows else None


def _place(row: Mapping[str, Json]) -> tuple[int, ...]:
    return tuple(int(index) for index in _INDEX.findall(str(row["address"])))
