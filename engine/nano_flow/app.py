"""The composition root: the only file that names concrete adapters and puts a run together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nano_flow.caches.sqlite import SqliteCache
from nano_flow.clock import SystemClock
from nano_flow.core.errors import StepError, UsageError
from nano_flow.core.events import Event
from nano_flow.core.messages import Json
from nano_flow.core.money import Money
from nano_flow.core.redact import Redactor
from nano_flow.gateway.chosen import Chosen
from nano_flow.gateway.gateway import Gateway
from nano_flow.gateway.observed import Observed
from nano_flow.gateway.route import PolicyRouter, without_credentials
from nano_flow.gateway.rules import fallback_rules
from nano_flow.gateway.services import GatewayServices
from nano_flow.journals.sqlite import SqliteJournal, Store, open_store
from nano_flow.plan.plan import PlannedPrompt, PlannedToolSource
from nano_flow.plan.walk import every_step
from nano_flow.ports import Approver, Clock, EventSink, RecordedWork, ToolServer
from nano_flow.pricing.budgets import Totals
from nano_flow.pricing.ledger import Ledger
from nano_flow.project.again import changes_message, without
from nano_flow.project.files import read_attachment
from nano_flow.project.preparing import GivenInputs, PreparedRun, RunOptions, prepare_resume, prepare_run
from nano_flow.providers.table import ProviderTable
from nano_flow.runtime.recorder import Recorder
from nano_flow.runtime.run import RunEnd, RunOrder, run_plan
from nano_flow.runtime.templates import render
from nano_flow.steps.context import Services
from nano_flow.steps.toolbox import RunToolbox
from nano_flow.tools.processes import LocalCommands
from nano_flow.tools.table import builtin_tools
from nano_flow.tools.workspace import Workspace
from nano_flow.views.document import run_document
from nano_flow.views.report import RunView, planned_rows

if TYPE_CHECKING:
    from nano_flow.runtime.limits import Control


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a run happens: its store, who looks on, who may be asked, who may stop it."""

    state: Path
    sinks: Sequence[EventSink] = ()
    approver: Approver | None = None
    on_control: Callable[[Control], None] | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    clock: Clock = field(default_factory=SystemClock)


@dataclass(frozen=True, slots=True)
class ResumeOrder:
    """Which run goes on, and how."""

    run: str = "last"
    from_address: str | None = None
    accept_changes: bool = False
    budget: Money | None = None
    given: GivenInputs = field(default_factory=GivenInputs)


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a run ended; ``document`` is its ``nano-flow/run@1``."""

    run_id: str
    end: RunEnd
    document: Mapping[str, Json]

    @property
    def exit_code(self) -> int:
        """The exit code that ``cli.md`` gives to such an end."""
        reason = self.end.reason
        if self.end.status == "succeeded":
            return 0
        by_reason = {"provider": 4, "budget": 5, "limit": 5, "approval": 6, "interrupt": 130}
        return by_reason.get(reason or "", 1)


async def run_workflow(
    path: str, given: GivenInputs, options: RunOptions, where: Surroundings, config_dir: Path | None = None
) -> RunReport:
    """Run a workflow from its start. Raises DocumentError, UsageError before anything is sent, StoreError."""
    prepared = prepare_run(path, given, options, config_dir, now=where.clock.now())
    journal = open_store(where.state).create_run(prepared.record)
    return await _live(prepared, journal, where)


async def resume_workflow(order: ResumeOrder, where: Surroundings, config_dir: Path | None = None) -> RunReport:
    """Go on with a recorded run. Raises UsageError where it is over, owned by somebody else, or has changed."""
    store = open_store(where.state)
    run_id = _run_to_resume(store, order)
    record, journal = store.reopen_run(run_id)
    try:
        options = RunOptions.from_json(record.options)
        if order.budget is not None:
            options = replace(options, budget=order.budget)
        prepared, changed = prepare_resume(record, order.given, options, config_dir)
        if changed and not order.accept_changes:
            raise UsageError(changes_message(changed, journal.recorded()))
        recorded = journal.recorded()
        if order.from_address is not None:
            recorded = without(recorded, prepared.plan, order.from_address)
        store.change_run(prepared.record)
        earlier = _earlier_events(store, run_id)
    except BaseException:
        await journal.close()
        raise
    return await _live(prepared, journal, where, recorded, earlier)


async def _live(
    prepared: PreparedRun,
    journal: SqliteJournal,
    where: Surroundings,
    recorded: RecordedWork | None = None,
    earlier: Sequence[Event] = (),
) -> RunReport:
    """One life of a run, from taking hold of its journal to letting it go."""
    resumed = recorded is not None
    work = recorded or journal.recorded()
    view = RunView(planned_rows(prepared.record.kinds))
    for event in earlier:
        view.apply(event)
    recorder = Recorder(journal, [_Fold(view), *where.sinks], _cleaner(prepared, where.environ))
    parts = _Parts.build(prepared, where, recorder, work)
    order = RunOrder(
        run_id=prepared.record.run_id,
        plan=prepared.plan,
        inputs=prepared.inputs,
        created_at=prepared.record.created_at,
        policy=prepared.record.policy,
        simulated=prepared.record.simulated,
        resumed=resumed,
        active_s=work.active_s,
        cancel_requested=lambda: journal.cancel_requested,
        on_control=where.on_control,
    )
    try:
        end = await run_plan(order, parts.services)
    finally:
        await parts.close()
        await journal.close()
        for sink in where.sinks:
            sink.close()
    return RunReport(prepared.record.run_id, end, run_document(view))


@dataclass(frozen=True, slots=True)
class _Fold:
    """The view of the run in progress, as a sink."""

    view: RunView

    def handle(self, event: Event) -> None:
        """Take the next event."""
        self.view.apply(event)

    def close(self) -> None:
        """Nothing is held open."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """The adapters of one life of a run."""

    services: Services
    providers: ProviderTable
    toolbox: RunToolbox
    cache: SqliteCache | None

    @classmethod
    def build(cls, prepared: PreparedRun, where: Surroundings, recorder: Recorder, work: RecordedWork) -> _Parts:
        """Put the services of a run together; nothing is started or connected yet."""
        plan, policies, options = prepared.plan, prepared.opened.policies, prepared.options
        providers = ProviderTable(policies.catalogue, where.environ, where.clock)
        cached = any(isinstance(s.spec, PlannedPrompt) and s.spec.cache for _, s in every_step(plan.graph))
        cache = SqliteCache(where.state / "cache.db") if cached and not options.no_cache else None
        start = Totals(spent=work.spent, possibly_spent=work.possibly_spent, tokens=work.spent_tokens)
        ledger = Ledger(plan.limits.budget, start=start)
        gateway = Gateway(
            GatewayServices(
                clock=where.clock,
                emit=recorder.emit,
                durable=recorder.durable,
                catalogue=policies.catalogue,
                providers=providers,
                route=_router(prepared, where.environ),
                prices=policies.prices,
                ledger=ledger,
                recorded=work,
                cache=cache,
                policy=policies.routing,
                rules=fallback_rules(policies.routing_document),
                stream=bool(where.sinks),
            )
        )
        commands = LocalCommands()
        toolbox = RunToolbox(
            builtin=builtin_tools(Workspace(plan.workspace, frozenset(prepared.opened.texts))),
            start_server=_start_server,
            commands=commands,
            render=render,
            environ=where.environ,
            workspace=plan.workspace,
            names={"inputs": prepared.inputs},
        )
        services = Services(
            clock=where.clock,
            emit=recorder.emit,
            durable=recorder.durable,
            recorded=work,
            gateway=Chosen(gateway, options.model, options.provider),
            toolbox=toolbox,
            commands=commands,
            approver=where.approver,
            environ=where.environ,
            read_file=partial(read_attachment, plan.workspace),
            open_budget=ledger.open,
        )
        return cls(services, providers, toolbox, cache)

    async def close(self) -> None:
        """Stop servers, release connections."""
        await self.toolbox.close()
        await self.providers.close()
        if self.cache is not None:
            self.cache.close()


def _router(prepared: PreparedRun, environ: Mapping[str, str]) -> PolicyRouter:
    policies, options = prepared.opened.policies, prepared.options
    return PolicyRouter(
        policy=policies.routing,
        catalogue=policies.catalogue,
        prices=policies.prices,
        observed=Observed(),
        without_credentials=without_credentials(policies.catalogue, environ),
        offline=options.offline,
        no_fallback=options.no_fallback,
    )


def _cleaner(prepared: PreparedRun, environ: Mapping[str, str]) -> Callable[[Event], Event] | None:
    """Takes secret inputs and the values of credentials out of every event."""
    cards = prepared.opened.policies.catalogue.providers.values()
    names = {name for card in cards for way in card.credentials for name in way}
    values = {environ[name] for name in names if environ.get(name)} | set(prepared.secrets)
    redactor = Redactor(values)
    return redactor.event if redactor else None


def _run_to_resume(store: Store, order: ResumeOrder) -> str:
    """The id of the run to go on with. Raises UsageError where there is none, or nothing is left to do."""
    with store.reader() as reader:
        found = reader.find_run(order.run)
    if found.status == "succeeded" and order.from_address is None:
        raise UsageError(
            f'the run {found.run_id} has succeeded; "nano-flow runs show {found.run_id}" shows it, '
            '"nano-flow resume --from ADDRESS" does a step again'
        )
    return found.run_id


def _earlier_events(store: Store, run_id: str) -> list[Event]:
    with store.reader() as reader:
        return [event for _, event in reader.events_of(run_id)]


def _start_server(source: PlannedToolSource) -> ToolServer:
    raise StepError("tool", f'the MCP server "{source.name}" cannot be started: this build has no MCP client')
