"""The composition root: starts, resumes and rehearses runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from nano_flow.adapters import metrics_sink, named_sinks, span_sinks
from nano_flow.core.errors import UsageError
from nano_flow.core.events import ApprovalAnswered, Event, NoticeGiven, RunStarted, StepExpanded, StepsReopened
from nano_flow.core.messages import Json
from nano_flow.core.money import Money
from nano_flow.core.secrets.naming import in_force
from nano_flow.core.trace import RunTrace, hand_on
from nano_flow.executors.desk import AgainDesk
from nano_flow.parts import Doubles, Parts, Surroundings, redactor
from nano_flow.placed import desk_of, forget_placed, forget_reopened
from nano_flow.plan.plan import Plan
from nano_flow.ports import Journal, RecordedWork
from nano_flow.ports.store import RunSummary, Store
from nano_flow.project.around.first_time import told_once
from nano_flow.project.around.own import in_own_workspace, leave_own_workspace
from nano_flow.project.files import read_attachment
from nano_flow.project.opening import open_workflow
from nano_flow.project.preparing import GivenInputs, PreparedRun, RunOptions, prepare_opened, prepare_resume
from nano_flow.project.resuming.again import (
    Wanted,
    announcement,
    changes_message,
    kept_below,
    reopened,
    undone_setups,
    without,
)
from nano_flow.project.resuming.context import changed_files
from nano_flow.project.resuming.place import found_file, place_of
from nano_flow.project.service.reading import service_in_force
from nano_flow.project.service.retention import keep_house_now_and_then
from nano_flow.runtime.recorder import Recorder, sealed_record
from nano_flow.runtime.run import RunEnd, RunOrder, run_plan
from nano_flow.sinks.guarded import GuardedSink
from nano_flow.steps.rehearsed import what_is_real
from nano_flow.stores.answers import AnsweredAnywhere
from nano_flow.stores.memory import MemoryJournal
from nano_flow.views.document import run_document
from nano_flow.views.report import RunView, planned_rows


@dataclass(frozen=True, slots=True)
class ResumeOrder:
    """Which run goes on, and how."""

    run: str = "last"
    wanted: Wanted = field(default_factory=Wanted)
    accept_changes: bool = False
    budget: Money | None = None
    given: GivenInputs = field(default_factory=GivenInputs)
    file: str | None = None
    """Where the workflow lies now, if it was renamed."""
    seen: RunSummary | None = None
    """The run as a worker saw it: it goes on only while it is like that."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a run ended; ``document`` is its ``nano-flow/run@1``."""

    run_id: str
    end: RunEnd
    document: Mapping[str, Json] = field(repr=False)  # asyncio.run writes out what its task returned

    @property
    def exit_code(self) -> int:
        """The exit code that ``cli.md`` gives to such an end."""
        reason, failure = self.end.reason, self.end.failure
        if self.end.status == "succeeded":
            return 0
        if failure is not None and failure.kind == "defect":
            return 70
        by_reason = {"provider": 4, "budget": 5, "limit": 5, "approval": 6, "wait": 6, "interrupt": 130}
        return by_reason.get(reason or "", 1)


async def run_workflow(
    path: str,
    given: GivenInputs,
    options: RunOptions,
    where: Surroundings,
    config_dir: Path | None = None,
    *,
    texts: Mapping[str, str] | None = None,
) -> RunReport:
    """Run a workflow from its start. Raises DocumentError, UsageError before anything is sent, StoreError.

    ``texts`` (absolute path → text) take the place of files.
    """
    opened = open_workflow(path, config_dir, texts)
    prepared = prepare_opened(opened, given, options, now=where.clock.now(), environ=where.environ)
    where = _watched(where, prepared.record.file, config_dir)
    prepared = await in_own_workspace(prepared, where.state, where.environ, where.tree)
    prepared = replace(prepared, record=replace(prepared.record, place=place_of(prepared.record.file, where.state)))
    journal = where.store.create_run(sealed_record(prepared.record, redactor(prepared, where.environ)))
    return await _live(prepared, journal, where, _Past())


async def resume_workflow(order: ResumeOrder, where: Surroundings, config_dir: Path | None = None) -> RunReport:
    """Go on with a recorded run. Raises UsageError where it is over, owned by somebody else, or has changed."""
    store = where.store
    run_id = _run_to_resume(store, order) if order.seen is None else order.seen.run_id
    record, journal = store.reopen_run(run_id, in_force(where.environ, order.given.text_of), order.seen)
    try:
        if where.takeover is None:
            record = replace(record, file=found_file(record, where.state, order.file))
        options = RunOptions.from_json(record.options)
        if order.budget is not None:
            options = replace(options, budget=order.budget)
        closing = where.takeover is not None
        environ = None if closing or order.seen else where.environ  # workers have environments of their own
        prepared, changed = prepare_resume(
            record, order.given, options, config_dir, as_recorded=closing, environ=environ
        )
        prepared = await in_own_workspace(prepared, where.state, where.environ, where.tree)
        earlier = _earlier_events(store, run_id)
        recorded, again = _again(journal.recorded(), prepared.plan, (order.wanted, earlier, where.clock.now()))
        if not closing:
            changed += changed_files(recorded, partial(read_attachment, prepared.plan.workspace))
        if changed and not order.accept_changes:
            raise UsageError(changes_message(changed, prepared.plan, journal.recorded(), run_id))
        where = _watched(where, record.file, config_dir)
        if again and isinstance(again[0], StepsReopened):
            forget_reopened(store, run_id, again[0])
        changed_record = replace(prepared.record, place=place_of(record.file, where.state))
        store.change_run(sealed_record(changed_record, redactor(prepared, where.environ)))
    except BaseException:
        await journal.close()
        raise
    return await _live(prepared, journal, where, _Past(recorded, earlier, again))


def _again(
    recorded: RecordedWork, plan: Plan, orders: tuple[Wanted, Sequence[Event], float]
) -> tuple[RecordedWork, tuple[Event, ...]]:
    """What is left of the past, and what is told first: what is done again, and for how much."""
    wanted, earlier, now = orders
    counts = {event.address: event.count for event in earlier if isinstance(event, StepExpanded)}
    order = reopened(recorded, plan, wanted, counts, now)
    if order is None:
        return recorded, ()
    left = without(recorded, order)
    setups = undone_setups(recorded, plan)
    if setups:
        left = replace(left, kept_anyway=kept_below(plan, setups))
    return left, (order, NoticeGiven(now, "", announcement(recorded, order, setups)))


async def rehearse(prepared: PreparedRun, where: Surroundings, doubles: Doubles) -> RunReport:
    """Run a prepared workflow on doubles; nothing is written but to its workspace."""
    return await _live(prepared, MemoryJournal(), where, _Past(doubles=doubles))


@dataclass(frozen=True, slots=True)
class _Past:
    """What a life of a run begins with besides its plan: what earlier ones did; doubles of a rehearsal."""

    recorded: RecordedWork | None = None
    earlier: Sequence[Event] = ()
    again: tuple[Event, ...] = ()
    doubles: Doubles | None = None


async def _live(prepared: PreparedRun, journal: Journal, where: Surroundings, past: _Past) -> RunReport:
    """One life of a run, from taking hold of its journal to letting it go."""
    resumed = past.recorded is not None
    work = past.recorded or journal.recorded()
    view = RunView(planned_rows(prepared.record.kinds))
    for event in past.earlier:
        view.apply(event)
    if past.doubles is None:
        where = _answered_anywhere(where, prepared)
    trace = _trace(prepared, where, past)
    hand_on(trace.root if trace.parent or where.traced else None)
    watchers = [
        GuardedSink(sink, lambda said: recorder.emit(NoticeGiven(where.clock.now(), "", said)))
        for sink in (where.sinks if past.doubles else [*where.sinks, *named_sinks(where.environ)])
    ]
    recorder = Recorder(journal, [_Fold(view), *watchers], redactor(prepared, where.environ))
    parts = Parts.build(prepared, where, (recorder, work, past.doubles))
    desk = None if past.doubles else desk_of(prepared, where, (journal, recorder))
    services = parts.services if desk is None else replace(parts.services, places=AgainDesk(desk) if resumed else desk)
    order = RunOrder(
        run_id=prepared.record.run_id,
        plan=prepared.plan,
        inputs=prepared.inputs,
        created_at=prepared.record.created_at,
        policy=prepared.record.policy,
        simulated=prepared.record.simulated,
        resumed=resumed,
        first=(*past.again, *_rehearsed(prepared, where, past)),
        active_s=work.active_s,
        trace=trace.to_json(),
        cancel_requested=None if past.doubles else lambda: journal.cancel_requested,
        takeover=where.takeover,
        on_control=where.on_control,
    )
    try:
        end = await run_plan(order, services)
        await leave_own_workspace(prepared.plan, end.status)
    finally:
        await parts.close()
        if desk is not None:
            await desk.shut()
        await journal.close()
        for watcher in watchers:
            watcher.close()
    if desk is not None and end.status == "succeeded":
        forget_placed(prepared, where)
    if past.doubles is None:
        keep_house_now_and_then(where.store, where.service.retention, where.clock.now())
    return RunReport(prepared.record.run_id, end, run_document(view))


def _rehearsed(prepared: PreparedRun, where: Surroundings, past: _Past) -> Iterator[NoticeGiven]:
    """At the start of a run: what its workspace is; and of one that sends nothing, what runs all the same."""
    yield from (NoticeGiven(where.clock.now(), "", told) for told in prepared.told)
    keeps = past.doubles is None and prepared.plan.keep_prompts and not prepared.options.no_prompts
    if keeps and where.service.keeps_prompts and "prompt" in prepared.record.kinds.values():
        now, kept_s = where.clock.now(), where.service.retention.texts
        if once := told_once(where.store, prepared.record.run_id, now, kept_s):
            yield NoticeGiven(now, "", once)
    if not prepared.options.offline or past.doubles is not None or past.recorded is not None:
        return
    if real := what_is_real(prepared.plan, no_commands=prepared.options.no_commands):
        yield NoticeGiven(where.clock.now(), "", real)


def _watched(where: Surroundings, file: str, config_dir: Path | None) -> Surroundings:
    """The same, with what service.yaml says of runs of ``file``: who watches, budgets of all runs, what is kept where.

    Raises UsageError where one cannot watch, DocumentError where service.yaml is wrong.
    """
    service = service_in_force(Path(file).parent, config_dir, where.environ)
    spans = span_sinks(where.environ, Path(file).parent)
    metrics = [] if where.metrics_port is None else [metrics_sink(where.metrics_port)]
    return replace(where, sinks=(*where.sinks, *spans, *metrics), traced=bool(spans), service=service)


def _trace(prepared: PreparedRun, where: Surroundings, past: _Past) -> RunTrace:
    """This life's place in a trace: below the caller's span, and linked to the life before."""
    before = [event.trace.get("traceparent") for event in past.earlier if isinstance(event, RunStarted)]
    given = where.environ.get("TRACEPARENT", "")
    return RunTrace.begin(prepared.record.run_id, where.clock.now(), given, str(before[-1] or "") if before else "")


def _answered_anywhere(where: Surroundings, prepared: PreparedRun) -> Surroundings:
    """The same, but answers of other processes reach the run while it lives."""
    store = where.store
    lookup = in_force(where.environ, lambda name: prepared.secrets.get(f"input:{name}"))

    def answers() -> Mapping[str, ApprovalAnswered]:
        with store.reader() as reader:
            return reader.approval_answers(prepared.record.run_id, lookup)

    approver = AnsweredAnywhere(where.approver, answers, lambda: where.patience.busy, where.clock)
    return replace(where, approver=approver)


@dataclass(frozen=True, slots=True)
class _Fold:
    """The view of the run in progress, as a sink."""

    view: RunView

    def handle(self, event: Event) -> None:
        """Take the next event."""
        self.view.apply(event)

    def close(self) -> None:
        """Nothing is held open."""


def _run_to_resume(store: Store, order: ResumeOrder) -> str:
    """The id of the run to go on with. Raises UsageError where there is none, or nothing is left to do."""
    with store.reader() as reader:
        found = reader.find_run(order.run)
    if found.status == "succeeded" and order.wanted == Wanted():
        raise UsageError(
            f'the run {found.run_id} has succeeded; "nano-flow runs show {found.run_id}" shows it, '
            '"nano-flow resume --from ADDRESS" does a step again'
        )
    return found.run_id


def _earlier_events(store: Store, run_id: str) -> list[Event]:
    with store.reader() as reader:
        return [event for _, event in reader.events_of(run_id)]
