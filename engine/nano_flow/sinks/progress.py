"""What a person wants to know of a run while it runs, folded from its events in constant time each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nano_flow.core.events import (
    CallFailed,
    CallFinished,
    CallIntended,
    Event,
    RunStarted,
    StepCollected,
    StepExpanded,
    StepFailed,
    StepFinished,
    StepSkipped,
    StepStarted,
    WaitStarted,
)


@dataclass(slots=True)
class Running:
    """An execution that has begun and not ended; ``doing`` says what it is at: a model, ``waiting`` …"""

    address: str
    kind: str
    since: float
    doing: str = ""


@dataclass(slots=True)
class Progress:
    """Counts, what runs, and the money so far. Groups and fan-outs are not counted, their executions are."""

    workflow: str = ""
    began: float = 0.0
    simulated: bool = False
    done: int = 0
    failed: int = 0
    skipped: int = 0
    cost: int = 0
    simulated_cost: int = 0
    unpriced_calls: int = 0
    running: dict[str, Running] = field(default_factory=dict)
    expected: dict[str, int] = field(default_factory=dict)
    """Fan-outs at work → how many executions they have."""
    items: int = 0
    """Of outermost fan-outs, so far: how many there are, how many are over, and since when they are worked on."""
    items_over: int = 0
    items_since: float = 0.0
    budget: int | None = None

    def apply(self, event: Event) -> None:
        """Take the next event."""
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)


_GROUPS = frozenset({"steps", "workflow", "switch"})


def _run_started(progress: Progress, event: RunStarted) -> None:
    progress.workflow, progress.began, progress.simulated = event.workflow, event.at, event.simulated
    progress.budget = event.budget


def _step_started(progress: Progress, event: StepStarted) -> None:
    if event.kind not in _GROUPS:
        progress.running[event.address] = Running(event.address, event.kind, event.at)


def _item_over(progress: Progress, address: str) -> None:
    outer = address.rpartition("[")[0] if address.endswith("]") else ""
    progress.items_over += bool(outer) and "[" not in outer and outer in progress.expected


def _step_finished(progress: Progress, event: StepFinished) -> None:
    _item_over(progress, event.address)
    if progress.running.pop(event.address, None) is not None:
        progress.done += 1


def _step_failed(progress: Progress, event: StepFailed) -> None:
    _item_over(progress, event.address)
    if progress.running.pop(event.address, None) is not None:
        progress.failed += 1


def _step_skipped(progress: Progress, event: StepSkipped) -> None:
    progress.skipped += 1


def _step_expanded(progress: Progress, event: StepExpanded) -> None:
    progress.expected[event.address] = event.count
    if event.over == "for_each" and "[" not in event.address:
        progress.items += event.count
        progress.items_since = progress.items_since or event.at


def _step_collected(progress: Progress, event: StepCollected) -> None:
    progress.expected.pop(event.address, None)


def _at(progress: Progress, address: str, doing: str) -> None:
    running = progress.running.get(address)
    if running is not None:
        running.doing = doing


def _call_intended(progress: Progress, event: CallIntended) -> None:
    _at(progress, event.address, event.model)


def _call_finished(progress: Progress, event: CallFinished) -> None:
    if event.cost is None:
        progress.unpriced_calls += 1
    elif event.reply.simulated:
        progress.simulated_cost += event.cost
    else:
        progress.cost += event.cost


def _call_failed(progress: Progress, event: CallFailed) -> None:
    if event.cost is None:
        progress.unpriced_calls += 1
    elif event.simulated:
        progress.simulated_cost += event.cost
    else:
        progress.cost += event.cost
    _at(progress, event.address, f"{event.model}: {event.error}")


def _waiting(progress: Progress, event: WaitStarted) -> None:
    _at(progress, event.address, "waiting")


_HANDLERS: Mapping[type, Callable[..., None]] = {
    RunStarted: _run_started,
    StepStarted: _step_started,
    StepFinished: _step_finished,
    StepFailed: _step_failed,
    StepSkipped: _step_skipped,
    StepExpanded: _step_expanded,
    StepCollected: _step_collected,
    CallIntended: _call_intended,
    CallFinished: _call_finished,
    CallFailed: _call_failed,
    WaitStarted: _waiting,
}
