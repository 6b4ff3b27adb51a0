"""The fold from a run's events to what is known of it: every execution, its models and money, the run's totals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from nano_flow.core.calls import SAMPLE_TURNS, Reopened
from nano_flow.core.events import (
    ABANDONED,
    ApprovalAnswered,
    ApprovalAsked,
    BudgetWarned,
    CacheHit,
    CallFailed,
    CallFinished,
    CallIntended,
    Event,
    NoticeGiven,
    ReplyChecked,
    RouteDecided,
    RunFinished,
    RunStarted,
    StepCollected,
    StepExpanded,
    StepFailed,
    StepFinished,
    StepRetried,
    StepSkipped,
    StepsReopened,
    StepStarted,
    ToolCalled,
    WaitStarted,
)
from nano_flow.core.refs import around, path_of
from nano_flow.ports import RunRecord
from nano_flow.views.execution import Attempt, Check, Expansion, StepView
from nano_flow.views.totals import Totals


class PlannedRow(NamedTuple):
    """A step that the plan holds, so that it is shown before, or without, its start."""

    path: str
    id: str
    kind: str


def planned_rows(kinds: Mapping[str, str]) -> list[PlannedRow]:
    """The rows of ``RunRecord.kinds``: path → kind, in the plan's order."""
    return [PlannedRow(path, path.rpartition(".")[2], kind) for path, kind in kinds.items()]


class RunView:
    """What is known of one run so far; ``apply`` takes its events in order, over all its lives."""

    def __init__(self, planned: Iterable[PlannedRow] = ()) -> None:
        self.planned: dict[str, PlannedRow] = {}
        for row in planned:
            self.planned.setdefault(row.path, row)
        self.started: RunStarted | None = None
        self.ended: RunFinished | None = None
        self.started_at: float | None = None
        self.last_at = 0.0
        self.lives = 0
        self.earlier_s = 0.0
        self.steps: dict[str, StepView] = {}
        self.expansions: dict[str, Expansion] = {}
        self.totals = Totals()
        self.notices: list[NoticeGiven | BudgetWarned] = []
        self.head: RunRecord | None = None
        """Set by readers of a store: what is known of a run whose process died before its first event."""
        self.owner_is_gone = False
        """Set by readers of a store who know that nobody is at work on the run any more."""
        self._handlers = self._table()

    @property
    def simulated(self) -> bool:
        """True where the whole run is a rehearsal."""
        head = self.started or self.head
        return head is not None and head.simulated

    @property
    def status(self) -> str:
        """As in ``nano-flow/run@1``; a run whose process died is paused."""
        if self.ended is not None:
            return self.ended.status
        return "paused" if self.owner_is_gone else "running"

    @property
    def active_s(self) -> float:
        """Seconds of all lives so far; of the one that goes on, up to its latest event."""
        if self.ended is not None or self.started is None:
            return self.earlier_s
        return self.earlier_s + max(0.0, self.last_at - self.started.at)

    def apply(self, event: Event) -> None:
        """Take the next event."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)
        if event.at > self.last_at and not _told_later(event):
            self.last_at = event.at

    def _table(self) -> Mapping[type, Callable[..., None]]:
        return {
            RunStarted: self._run_started,
            RunFinished: self._run_finished,
            StepStarted: self._step_started,
            StepExpanded: self._step_expanded,
            StepCollected: self._step_collected,
            RouteDecided: self._route_decided,
            CallIntended: self._call_intended,
            CallFailed: self._call_failed,
            CallFinished: self._call_finished,
            CacheHit: self._cache_hit,
            ToolCalled: self._tool_called,
            ReplyChecked: self._reply_checked,
            StepRetried: self._step_retried,
            StepFinished: self._step_finished,
            StepFailed: self._step_failed,
            StepSkipped: self._step_skipped,
            ApprovalAsked: self._waiting,
            WaitStarted: self._waiting,
            StepsReopened: self._reopened,
            ApprovalAnswered: self._answered,
            BudgetWarned: self.notices.append,
            NoticeGiven: self.notices.append,
        }

    def _run_started(self, event: RunStarted) -> None:
        if self.started is None:
            self.started_at = event.at
        self.earlier_s = self.active_s
        self.started, self.ended = event, None
        self.last_at = event.at
        self.lives += 1
        kept = {address for address, step in self.steps.items() if step.status == "failed" and step.tolerated}
        for step in self.steps.values():
            # A later life decides anew about what has not succeeded, but for failures that the workflow tolerates.
            if step.status != "succeeded" and kept.isdisjoint(around(step.address)):
                step.renew()

    def _reopened(self, event: StepsReopened) -> None:
        order = Reopened(event)
        for step in self.steps.values():
            if order.reaches(step.address):
                step.renew()

    def _run_finished(self, event: RunFinished) -> None:
        self.ended = event
        self.earlier_s += event.duration_s

    def _row(self, address: str) -> StepView:
        """The row of ``address``, made where an event comes before its start."""
        step = self.steps.get(address)
        if step is None:
            path = path_of(address)
            planned = self.planned.get(path)
            kind = planned.kind if planned is not None else ""
            step = self.steps[address] = StepView(address, path.rpartition(".")[2], kind)
        return step

    def _step_started(self, event: StepStarted) -> None:
        step = self.steps.get(event.address)
        if step is None:
            step = StepView(event.address, event.step, event.kind, event.item, event.iteration)
            self.steps[event.address] = step
        # The case of a switch has the switch's own address: one row for both, of the kind that is written there.
        step.status, step.reason, step.error = "running", None, None
        step.started_at = event.at

    def _step_expanded(self, event: StepExpanded) -> None:
        skipped = self.steps.get(event.address)
        if skipped is not None and skipped.started_at is None:
            # It was skipped as a whole in an earlier life; now its executions have the rows.
            del self.steps[event.address]
        self.expansions[event.address] = Expansion(event.step, event.kind, event.over, event.count)

    def _step_collected(self, event: StepCollected) -> None:
        expansion = self.expansions.get(event.address)
        if expansion is None:
            # The list itself could not be read: there are no items to tell of it.
            row = self._row(event.address)
            row.settle(event.status, event.duration_s)
            row.error = (event.error, event.message) if event.status == "failed" else None
            return
        expansion.status, expansion.duration_s = event.status, event.duration_s
        expansion.error = (event.error, event.message) if event.status == "failed" else None

    def _route_decided(self, event: RouteDecided) -> None:
        step = self._row(event.address)
        if event.purpose == "judge":
            step.note_judge(event.turn)
            return
        step.requested, step.score, step.tier = event.requested, event.score, event.tier

    def _call_intended(self, event: CallIntended) -> None:
        self.totals.intend(event, simulated=self.simulated)

    def _call_finished(self, event: CallFinished) -> None:
        reply, step = event.reply, self._row(event.address)
        self.totals.settle(event, event.cost, reply.usage, simulated=reply.simulated)
        step.pay(event.cost, reply.usage, simulated=reply.simulated)
        step.attempts.append(Attempt(event.turn, event.model, None, event.duration_s, event.cost))
        self._answered_by(step, event)

    def _call_failed(self, event: CallFailed) -> None:
        step = self._row(event.address)
        self.totals.settle(event, event.cost, event.usage, simulated=event.simulated)
        if self.simulated or not event.simulated:
            self.totals.possibly_spent += event.possibly_spent
        step.pay(event.cost, event.usage, simulated=event.simulated)
        step.attempts.append(Attempt(event.turn, event.model, event.error, event.duration_s, event.cost))

    def _cache_hit(self, event: CacheHit) -> None:
        step = self._row(event.address)
        step.cache_hits += 1
        step.simulated = step.simulated or event.reply.simulated
        if self.simulated or not event.reply.simulated:
            self.totals.saved += event.saved
        self._answered_by(step, event)

    def _reply_checked(self, event: ReplyChecked) -> None:
        step = self._row(event.address)
        step.checks = (*step.checks, Check(event.turn, event.model, event.passed, event.by, event.score))

    def _tool_called(self, event: ToolCalled) -> None:
        if event.simulated:
            self._row(event.address).simulated = True

    def _answered_by(self, step: StepView, event: CallFinished | CacheHit) -> None:
        if event.turn < SAMPLE_TURNS and event.turn not in step.judge_turns:
            step.model = event.model
            step.requested = step.requested or event.requested

    def _step_retried(self, event: StepRetried) -> None:
        self._row(event.address).retries += 1

    def _step_finished(self, event: StepFinished) -> None:
        expansion = self.expansions.get(event.address)
        if expansion is not None and event.address not in self.steps:
            expansion.status, expansion.error = "succeeded", None
            return
        step = self._row(event.address)
        step.settle("succeeded", event.duration_s)
        step.replayed = event.replayed
        step.output, step.case = event.output, event.case
        step.error = ("recovered", event.recovered) if event.recovered else None

    def _step_failed(self, event: StepFailed) -> None:
        step = self._row(event.address)
        step.settle("failed", event.duration_s)
        step.error, step.tolerated, step.output = (event.error, event.message), event.tolerated, None
        step.replayed, step.case, step.failed_with = event.replayed, event.case, event.detail

    def _step_skipped(self, event: StepSkipped) -> None:
        step = self.steps.get(event.address)
        if step is None:
            step = self.steps[event.address] = StepView(event.address, event.step, event.kind)
        step.status, step.reason, step.detail = "skipped", event.reason, event.detail

    def _waiting(self, event: ApprovalAsked | WaitStarted) -> None:
        self._row(event.address).status = "waiting"

    def _answered(self, event: ApprovalAnswered) -> None:
        step = self._row(event.address)
        if step.status == "waiting":
            step.status = "running"


def _told_later(event: Event) -> bool:
    """True for what may be written long after a life ended: it does not show that the run was active."""
    return isinstance(event, ApprovalAnswered) or (isinstance(event, CallFailed) and event.error == ABANDONED)


def view_of(events: Iterable[Event], planned: Iterable[PlannedRow] = ()) -> RunView:
    """The view of a whole list of events."""
    view = RunView(planned)
    for event in events:
        view.apply(event)
    return view
