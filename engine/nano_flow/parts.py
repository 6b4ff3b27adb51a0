"""The parts of a run: the only file, with ``app.py``, that names concrete adapters."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from nano_flow.adapters import STORE_VARIABLE, open_cache, store_at
from nano_flow.caches.secret_free import SecretFree
from nano_flow.clock import SystemClock
from nano_flow.core.events import CallIntended, Event, NoticeGiven
from nano_flow.core.redact import Redactor
from nano_flow.core.secrets.naming import environment_secrets, sounds_secret
from nano_flow.defects import told_in_a_run
from nano_flow.gateway.chosen import Chosen
from nano_flow.gateway.gateway import Gateway
from nano_flow.gateway.observed import Observed
from nano_flow.gateway.route import PolicyRouter, without_credentials
from nano_flow.gateway.rules import fallback_rules
from nano_flow.gateway.services import GatewayServices
from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.plan.walk import every_plan, every_step, is_placed
from nano_flow.ports import Approver, Cache, ChatProvider, Clock, EventSink, RecordedWork
from nano_flow.ports.budgets import NoBudgets, SharedBudgets
from nano_flow.ports.store import Store
from nano_flow.pricing.budgets import Totals
from nano_flow.pricing.ledger import Ledger
from nano_flow.project.files import read_attachment
from nano_flow.project.money.earlier import observed_before
from nano_flow.project.policies import Policies
from nano_flow.project.preparing import PreparedRun
from nano_flow.project.service.reading import Service
from nano_flow.providers.environment import expand, variables_in
from nano_flow.providers.table import ProviderTable
from nano_flow.providers.table import Surroundings as Sockets
from nano_flow.runtime.recorder import Recorder
from nano_flow.runtime.takeover import Takeover
from nano_flow.runtime.templates import render
from nano_flow.steps.context import Services, StandIn
from nano_flow.steps.patience import Patience
from nano_flow.steps.tools.declared import Surroundings as ToolSurroundings
from nano_flow.steps.tools.secrets import named_by_tools, written_in_files
from nano_flow.steps.tools.toolbox import RunToolbox, StartServer
from nano_flow.tools.files.workspace import Workspace
from nano_flow.tools.mcp.pins import Pins
from nano_flow.tools.mcp.server import McpServer
from nano_flow.tools.mcp.simulated import SimulatedServer
from nano_flow.tools.processes.local import LocalCommands
from nano_flow.tools.processes.tree import ProcessTree
from nano_flow.tools.simulated import SimulatedCommands, SimulatedHttpGet
from nano_flow.tools.table import ToolTable

if TYPE_CHECKING:
    from nano_flow.runtime.limits import Control


class Adapters(Protocol):
    """The providers of a run."""

    async def ready(self, name: str) -> ChatProvider:
        """The adapter of the provider ``name``."""

    async def close(self) -> None:
        """Release connections."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a run happens: its store, who looks on, who may be asked, who may stop it."""

    state: Path
    sinks: Sequence[EventSink] = ()
    approver: Approver | None = None
    on_control: Callable[[Control], None] | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    clock: Clock = field(default_factory=SystemClock)
    tree: ProcessTree = field(default_factory=ProcessTree)
    """The processes that the run starts."""
    metrics_port: int | None = None
    """Where Prometheus may look at this run, on loopback; 0 takes any port."""
    traced: bool = False
    """True where spans are sent: what the run starts is then told where it stands."""
    takeover: Takeover | None = None
    """Holds up all new work of a run that is only to be cancelled."""
    patience: Patience = field(default_factory=Patience)
    """How long the run stays where it can only wait."""
    service: Service = field(default_factory=Service)
    """The service.yaml in force: what all runs of the store may spend together, what is kept where."""
    stream: bool = False
    """True where somebody wants to read replies while they are written: streaming costs more than waiting."""

    address: str | None = None  # of its store; empty: in the state folder, None: what the environment says

    @property
    def store(self) -> Store:
        """The store in force here."""
        return store_at(self.environ.get(STORE_VARIABLE, "") if self.address is None else self.address, self.state)


@dataclass(frozen=True, slots=True)
class Doubles:
    """What takes the place of the world in a rehearsal."""

    providers: Adapters
    stand_in: StandIn
    start_server: StartServer


@dataclass(frozen=True, slots=True)
class Parts:
    """The adapters of one life of a run."""

    services: Services
    providers: Adapters
    toolbox: RunToolbox
    cache: Cache | None

    @classmethod
    def build(
        cls, prepared: PreparedRun, where: Surroundings, given: tuple[Recorder, RecordedWork, Doubles | None]
    ) -> Parts:
        """Put the services of a run together; nothing is started or connected yet."""
        recorder, work, doubles = given
        plan, options = prepared.plan, prepared.options
        providers = doubles.providers if doubles else _providers(prepared, where)
        cache = None if doubles else _cache(prepared, where, recorder.emit)
        start = Totals(spent=work.spent, possibly_spent=work.possibly_spent, tokens=work.spent_tokens)
        ledger = Ledger(plan.limits.budget, start=start)
        toolbox = _toolbox(prepared, where, doubles)
        services = Services(
            clock=where.clock,
            emit=recorder.emit,
            durable=recorder.durable,
            recorded=work,
            gateway=Chosen(
                _gateway(prepared, where, (recorder, work), (providers, cache, ledger)), options.model, options.provider
            ),
            toolbox=toolbox,
            commands=toolbox.around.commands,
            approver=where.approver,
            environ=where.environ,
            read_file=partial(read_attachment, plan.workspace),
            open_budget=ledger.open,
            stand_in=doubles.stand_in if doubles else None,
            keep_prompts=where.service.keeps_prompts and not options.no_prompts,
            before_work=where.takeover or _at_once,
            patience=Patience(endless=True) if doubles else where.patience,
            defect=told_in_a_run(where.state, recorder.secrets.text),
            unheard=lambda: recorder.unheard,
        )
        return cls(services, providers, toolbox, cache)

    async def close(self) -> None:
        """Stop servers, release connections."""
        await self.toolbox.close()
        await self.providers.close()
        if self.cache is not None:
            await self.cache.close()


def _providers(prepared: PreparedRun, where: Surroundings) -> Adapters:
    return ProviderTable(prepared.opened.policies.catalogue.providers, Sockets(where.clock, where.environ))


def _cache(prepared: PreparedRun, where: Surroundings, emit: Callable[[Event], None]) -> Cache | None:
    """The cache of replies, where a step uses it."""
    steps = every_step(prepared.plan.graph)
    wanted = any(isinstance(step.spec, PlannedPrompt) and step.spec.cache for _, step in steps)
    if not wanted or prepared.options.no_cache:
        return None

    def tell(problem: str) -> None:
        emit(NoticeGiven(where.clock.now(), "", problem))

    return open_cache(where.state, where.service.cache, tell)


def _gateway(
    prepared: PreparedRun,
    where: Surroundings,
    past: tuple[Recorder, RecordedWork],
    adapters: tuple[Adapters, Cache | None, Ledger],
) -> Gateway:
    policies = prepared.opened.policies
    (recorder, work), (providers, cache, ledger) = past, adapters
    observed = observed_before(where.store, policies.catalogue, prepared.record.created_at)
    return Gateway(
        GatewayServices(
            clock=where.clock,
            emit=recorder.emit,
            durable=_durable(recorder, where.takeover),
            catalogue=policies.catalogue,
            providers=providers,
            route=_router(prepared, where.environ, observed),
            prices=policies.prices,
            ledger=ledger,
            shared=_shared_budgets(prepared, where, recorder.emit),
            recorded=work,
            cache=None if cache is None else SecretFree(cache, recorder.secrets.holds_secret),
            base_urls={
                name: expand(card.settings.get("base_url", ""), where.environ)
                for name, card in policies.catalogue.providers.items()
            },
            policy=policies.routing,
            rules=fallback_rules(policies.routing_document),
            observed=observed,
            stream=where.stream,
        )
    )


def _shared_budgets(prepared: PreparedRun, where: Surroundings, emit: Callable[[Event], None]) -> SharedBudgets:
    """The budgets over runs of the service.yaml in force; a rehearsal costs nothing and is not counted."""
    own = prepared.plan.limits.budget.usd if is_placed(prepared.plan) else None
    if prepared.record.simulated or not (where.service.budgets or own):
        return NoBudgets()
    from nano_flow.project.service.shared_budgets import StoreBudgets

    run = (prepared.record.run_id, prepared.record.workflow)
    return StoreBudgets(where.store, where.service.budgets, run, where.clock, emit, own=own)


def _durable(recorder: Recorder, takeover: Takeover | None) -> Callable[[Event], Awaitable[None]]:
    if takeover is None:
        return recorder.durable

    async def durable(event: Event) -> None:
        if isinstance(event, CallIntended):
            await takeover()
        await recorder.durable(event)

    return durable


async def _at_once() -> None:
    """Nobody holds the run up."""


def _toolbox(prepared: PreparedRun, where: Surroundings, doubles: Doubles | None) -> RunToolbox:
    workspace, opened = prepared.plan.workspace, prepared.opened
    offline = prepared.options.offline and doubles is None
    commands = SimulatedCommands() if offline and prepared.options.no_commands else LocalCommands(where.tree)
    confined = Workspace(workspace, [*opened.texts, *_policy_paths(opened.policies), str(where.state)])
    servers: StartServer = partial(McpServer, pins=Pins(where.state), tree=where.tree, environ=where.environ)
    if offline:
        from nano_flow.providers.sim import simulated_result

        servers = partial(SimulatedServer, pins=Pins(where.state), make=simulated_result)
    return RunToolbox(
        builtin=ToolTable(confined, commands, where.environ, SimulatedHttpGet if offline else None),
        start_server=doubles.start_server if doubles else servers,
        around=ToolSurroundings(commands, render, where.environ, workspace, where.clock),
        absent=offline,
    )


def _policy_paths(policies: Policies) -> Iterator[str]:
    """The policies in force, and what they name beside themselves."""
    for file in policies.files:
        yield str(file.path)
        yield from (str(file.path.parent / name) for name in policies.texts)


def _router(prepared: PreparedRun, environ: Mapping[str, str], observed: Observed) -> PolicyRouter:
    policies, options = prepared.opened.policies, prepared.options
    return PolicyRouter(
        policy=policies.routing,
        catalogue=policies.catalogue,
        prices=policies.prices,
        observed=observed,
        without_credentials=without_credentials(policies.catalogue, environ),
        offline=options.offline,
        no_fallback=options.no_fallback,
    )


_SECRET_PARTS = frozenset({"api_key", "token", "access_key", "secret_key", "session_token"})
"""The parts of credentials that are secret: a profile, a project or an address is none."""


def redactor(prepared: PreparedRun, environ: Mapping[str, str]) -> Redactor:
    """Knows the secret inputs of a run, its credentials, and all that sounds like one in its environment."""
    cards = prepared.opened.policies.catalogue.providers.values()
    used = {name for card in cards for parts in card.roles for part, name in parts.items() if part in _SECRET_PARTS}
    used |= {name for card in cards for text in card.headers.values() for name in variables_in(text)}
    named = {name for plan in every_plan(prepared.plan) for name in named_by_tools(plan)}
    used |= {name for name in named if sounds_secret(name)}
    written = {name: value for plan in every_plan(prepared.plan) for name, value in written_in_files(plan)}
    return Redactor(environment_secrets(environ, used) | written | dict(prepared.secrets))
