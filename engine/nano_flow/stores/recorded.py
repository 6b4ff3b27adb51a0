"""The fold that turns the events of earlier lives of a run into what need not be paid again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import TypeVar

from nano_flow.core.calls import Reopened
from nano_flow.core.events import (
    ABANDONED,
    ApprovalAnswered,
    ApprovalAsked,
    CacheHit,
    CallFailed,
    CallFinished,
    CallIntended,
    Event,
    HandlersStarted,
    ReplyChecked,
    RunFinished,
    RunStarted,
    StepCollected,
    StepFailed,
    StepFinished,
    StepsReopened,
    StepStarted,
    ToolCalled,
    ToolIntended,
    WaitStarted,
)
from nano_flow.core.money import ZERO, Money
from nano_flow.core.refs import around
from nano_flow.core.shown.questions import fingerprint_of
from nano_flow.ports import RecordedWork
from nano_flow.stores.abandoned import abandoned

REPLAY_KINDS = frozenset(
    cls.__name__
    for cls in (
        *(ApprovalAnswered, ApprovalAsked, CacheHit, CallFailed, CallFinished, CallIntended),
        *(HandlersStarted, ReplyChecked, RunFinished, RunStarted, StepCollected, StepFailed, StepsReopened),
        *(ToolCalled, ToolIntended, WaitStarted),
    )
)
"""The events that the fold looks at; others need not be read."""

K = TypeVar("K")
V = TypeVar("V")
_WHOLE = frozenset({"stop", "tool_calls"})
_Call = tuple[str, int, int]
_Placed = TypeVar("_Placed", tuple[str, int], tuple[str, str], tuple[str, int, str])


@dataclass(slots=True)
class RecordedFold:
    """Takes events in their order; ``open_calls`` are intents without an end so far."""

    calls: dict[tuple[str, int], CallFinished] = field(default_factory=dict)
    tools: dict[tuple[str, int, str], ToolCalled] = field(default_factory=dict)
    tools_in_doubt: dict[tuple[str, int, str], ToolIntended] = field(default_factory=dict)
    approvals: dict[tuple[str, str], ApprovalAnswered] = field(default_factory=dict)
    asked_at: dict[tuple[str, str], float] = field(default_factory=dict)
    open_question: dict[str, str] = field(default_factory=dict)
    """Address → fingerprint of the question that was asked there last."""
    waits: dict[str, WaitStarted] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    checked: dict[tuple[str, int], ReplyChecked] = field(default_factory=dict)
    tolerated: dict[tuple[str, str], StepFailed] = field(default_factory=dict)
    failed: dict[str, StepFailed | StepCollected] = field(default_factory=dict)
    torn_down: dict[str, float] = field(default_factory=dict)
    stale: set[object] = field(default_factory=set)
    open_calls: dict[_Call, CallIntended] = field(default_factory=dict)
    simulated_models: set[str] = field(default_factory=set)
    spent: int = 0
    possibly_spent: int = 0
    spent_tokens: int = 0
    active_s: float = 0.0
    began_at: float | None = None
    last_at: float = 0.0

    def apply(self, event: Event) -> None:
        """Take one event."""
        match event:
            case CallIntended():
                self.open_calls[(event.address, event.turn, event.attempt)] = event
            case CallFinished():
                self._finished(event)
            case CallFailed():
                self._failed(event)
            case CacheHit():
                self._keep(_as_call(event))
            case ReplyChecked():
                self.checked[(event.address, event.turn)] = event
            case RunStarted() | RunFinished():
                self._life(event)
            case _:
                self._other(event)
        if not _told_later(event):
            self.last_at = max(self.last_at, event.at)

    def _other(self, event: Event) -> None:
        match event:
            case ToolIntended():
                self.tools_in_doubt[(event.address, event.turn, event.call)] = event
            case ToolCalled():
                self.tools_in_doubt.pop((event.address, event.turn, event.call), None)
                self.tools[(event.address, event.turn, event.call)] = event
            case ApprovalAsked():
                self._asked(event)
            case ApprovalAnswered():
                self.approvals[(event.address, self.open_question.get(event.address, ""))] = event
            case WaitStarted():
                self.waits[event.address] = event
            case _:
                self._step(event)

    def _step(self, event: Event) -> None:
        if isinstance(event, HandlersStarted):
            self.torn_down[event.address] = event.at
        elif isinstance(event, StepsReopened):
            self._reopen(event)
        elif isinstance(event, StepFinished):
            self.finished.add(event.address)
        elif isinstance(event, StepStarted):
            self.finished.discard(event.address)
        elif isinstance(event, StepFailed | StepCollected):
            self._settle(event)

    def _settle(self, event: StepFailed | StepCollected) -> None:
        if isinstance(event, StepFailed):
            self.finished.discard(event.address)
        if isinstance(event, StepFailed) and event.fingerprint:
            self.tolerated[(event.address, event.fingerprint)] = event
        if isinstance(event, StepFailed) or event.status == "failed":
            self.failed[event.address] = event

    def _reopen(self, event: StepsReopened) -> None:
        """What is done again has no past; what was paid for it stays paid."""
        order = Reopened(event)
        _forget(order.covers, self.calls)
        _forget(order.covers, self.checked)
        _forget(order.covers, self.tools)
        _forget(order.covers, self.tools_in_doubt)
        _forget(order.covers, self.approvals)
        _forget(order.covers, self.asked_at)
        _forget(order.reaches, self.tolerated)
        for by_address in (self.waits, self.failed):
            for address in [address for address in by_address if order.reaches(address)]:
                del by_address[address]
        self.finished = {address for address in self.finished if not order.reaches(address)}

    def _asked(self, event: ApprovalAsked) -> None:
        """A question that is asked anew at a later time has no answer yet."""
        question = (event.address, fingerprint_of(event))
        before = (event.address, self.open_question.get(event.address, question[1]))
        if before != question:
            # Readers see one question at an address: the one before is asked anew should it come back unanswered.
            self.asked_at.pop(before, None)
        self.open_question[event.address] = question[1]
        if event.at > self.asked_at.setdefault(question, event.at):
            self.asked_at[question] = event.at
            self.approvals.pop(question, None)

    def is_answered(self, address: str) -> bool:
        """Whether the question that was asked last at ``address`` has its answer."""
        return (address, self.open_question.get(address, "")) in self.approvals

    def _finished(self, event: CallFinished) -> None:
        self.open_calls.pop((event.address, event.turn, event.attempt), None)
        self.spent += event.cost or 0
        self.possibly_spent += event.reserved if event.cost is None else 0
        self.spent_tokens += event.reply.usage.total
        if event.reply.simulated:
            self.simulated_models.add(event.model)
        self._keep(event)

    def _keep(self, event: CallFinished) -> None:
        """A reply that was cut off or is empty is paid, but is never taken for done."""
        if event.reply.finish_reason in _WHOLE and (event.reply.text or event.reply.tool_calls):
            self.calls[(event.address, event.turn)] = event

    def _failed(self, event: CallFailed) -> None:
        intent = self.open_calls.pop((event.address, event.turn, event.attempt), None)
        self.spent += event.cost or 0
        self.possibly_spent += event.possibly_spent
        if event.usage is not None:
            self.spent_tokens += event.usage.total
        elif intent is not None and (event.error == ABANDONED or event.possibly_spent):
            self.spent_tokens += intent.reserved_tokens

    def _life(self, event: RunStarted | RunFinished) -> None:
        """A life ends with its ``RunFinished``, or with its last event where the process died."""
        if self.began_at is not None:
            died = max(0.0, self.last_at - self.began_at)
            self.active_s += event.duration_s if isinstance(event, RunFinished) else died
        self.began_at = event.at if isinstance(event, RunStarted) else None
        if isinstance(event, RunFinished):
            self.stale = {*self.tools, *self.tools_in_doubt, *self.asked_at, *self.waits, *self.tolerated}

    def work(self) -> RecordedWork:
        """What is recorded so far; calls without an end count as spent by their worst case."""
        reserved = sum(intent.reserved for intent in self.open_calls.values())
        tokens = sum(intent.reserved_tokens for intent in self.open_calls.values())
        running = 0.0 if self.began_at is None else max(0.0, self.last_at - self.began_at)
        work = RecordedWork(
            calls=self.calls,
            tools=self.tools,
            tools_in_doubt=self.tools_in_doubt,
            approvals=self.approvals,
            asked_at=self.asked_at,
            waits=self.waits,
            spent=Money(self.spent),
            possibly_spent=Money(self.possibly_spent + reserved),
            spent_tokens=self.spent_tokens + tokens,
            active_s=self.active_s + running,
            unknown_calls=tuple(self.open_calls.values()),
            finished=frozenset(self.finished),
            checked=self.checked,
            tolerated=self.tolerated,
            tolerated_at=frozenset(address for address, _ in self.tolerated),
            failed={a: e for a, e in self.failed.items() if _tolerates(e) or a not in self.finished},
            torn_down=self.torn_down,
        )
        return replace(work, since_end=self._since_end(work)) if self.stale else work

    def _since_end(self, work: RecordedWork) -> RecordedWork:
        return replace(
            work,
            tools=_fresh(work.tools, self.stale),
            tools_in_doubt=_fresh(work.tools_in_doubt, self.stale),
            approvals=_fresh(work.approvals, self.stale),
            asked_at=_fresh(work.asked_at, self.stale),
            waits=_fresh(work.waits, self.stale),
            tolerated=_fresh(work.tolerated, self.stale),
        )

    def leave_open(self, placed: Collection[str]) -> None:
        """Calls in executions that workers have are theirs to end; what they may cost is set aside already."""
        for key in [key for key in self.open_calls if not set(placed).isdisjoint(around(key[0]))]:
            del self.open_calls[key]

    def abandoned(self, at: float, *, simulated: bool) -> list[CallFailed]:
        """The end that each call without one gets: nobody knows it, its worst case counts as possibly spent."""
        known = self.simulated_models
        return [abandoned(one, at, simulated=simulated or one.model in known) for one in self.open_calls.values()]


def recorded_work(events: Iterable[Event]) -> RecordedWork:
    """What ``events`` of earlier lives say was done."""
    fold = RecordedFold()
    for event in events:
        fold.apply(event)
    return fold.work()


def _forget(reached: Callable[[str], bool], work: dict[_Placed, V]) -> None:
    for key in [key for key in work if reached(key[0])]:
        del work[key]


def _tolerates(event: StepFailed | StepCollected) -> bool:
    return event.tolerated


def _fresh(work: Mapping[K, V], stale: Set[object]) -> dict[K, V]:
    return {key: value for key, value in work.items() if key not in stale}


def _told_later(event: Event) -> bool:
    """True for what may be written long after the life that it belongs to: it does not show that the run was active."""
    return isinstance(event, ApprovalAnswered) or (isinstance(event, CallFailed) and event.error == ABANDONED)


def _as_call(hit: CacheHit) -> CallFinished:
    """A reply from the cache is recorded like a paid one: a later life needs no cache for it."""
    return CallFinished(
        at=hit.at,
        address=hit.address,
        turn=hit.turn,
        attempt=0,
        model=hit.model,
        requested=hit.requested,
        fingerprint=hit.fingerprint,
        reply=hit.reply,
        duration_s=0.0,
        cost=ZERO,
    )
