"""What a kind of step gets: its plan, the values in scope, and the services of the run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Protocol

from nano_flow.core.events import Event
from nano_flow.core.messages import Json
from nano_flow.core.money import ZERO, Money
from nano_flow.core.outcomes import StepOutcome, Succeeded
from nano_flow.core.refs import Address
from nano_flow.core.text import as_text
from nano_flow.defects import sentence
from nano_flow.gateway.ask import ModelAnswer, ModelAsk
from nano_flow.plan.plan import Plan, PlannedBudget, PlannedGraph, PlannedStep, Value
from nano_flow.ports import Approver, Clock, Commands, RecordedWork, Tool
from nano_flow.source.expressions import Template
from nano_flow.steps.order import Names, Order
from nano_flow.steps.patience import Patience
from nano_flow.steps.placing import Places


class Models(Protocol):
    """Answers a model's turn; ``gateway.gateway.Gateway`` is the one that does it for real."""

    async def call(self, ask: ModelAsk) -> ModelAnswer:
        """A whole reply. Raises ProviderError, LimitReached, StoreError."""

    def keeps_prompts(self, ask: ModelAsk) -> bool:
        """Whether the policy allows to keep what is asked for reports."""


class Toolbox(Protocol):
    """Finds the tools that a step lists."""

    async def tools(self, names: tuple[str, ...], plan: Plan, scope: Names) -> Mapping[str, Tool]:
        """Name → tool, for a step of ``plan`` that sees ``scope``; starts servers where needed. Raises StepError."""


class StandIn(Protocol):
    """Takes the place of tools, commands and whole steps in a rehearsal."""

    async def call(self, address: str, tool: Tool, arguments: Mapping[str, Json], key: tuple[int, str]) -> Json:
        """What ``tool`` would return; ``key`` is the turn and the call inside it. Raises StepError."""

    def instead(self, address: str) -> tuple[bool, Json]:
        """Whether the step at ``address`` is not to be run at all, and its output then. Raises StepError."""


async def _at_once() -> None:
    """Nobody holds the run up."""


@dataclass(frozen=True, slots=True)
class Services:
    """What all executions of a run share."""

    clock: Clock
    emit: Callable[[Event], None]
    durable: Callable[[Event], Awaitable[None]]
    recorded: RecordedWork
    gateway: Models
    toolbox: Toolbox
    commands: Commands
    approver: Approver | None
    environ: Mapping[str, str]
    read_file: Callable[[str], bytes]
    """Reads a file below the workspace (attachments); raises StepError."""
    open_budget: Callable[[str, PlannedBudget], None]
    """Declares the budget scope of an address."""
    stand_in: StandIn | None = None
    keep_prompts: bool = True
    """Whether what models are asked is kept for reports."""
    before_work: Callable[[], Awaitable[None]] = _at_once
    """Awaited before anything is done that no earlier life of the run has recorded."""
    patience: Patience = field(default_factory=lambda: Patience(endless=True))
    defect: Callable[[Exception, str], str] = lambda error, address: sentence(error, None)
    """Reports an error of ours that hit the step at an address; the sentence for the step's failure."""
    places: Places | None = None
    """Carries steps under ``runs_on`` to workers; None where all is done in this process."""
    unheard: Callable[[], bool] = lambda: False
    """True once an event could not be told to those who look on: the error that is under way is theirs."""


class Nested(Protocol):
    """What composite steps ask of the scheduler."""

    async def graph(self, graph: PlannedGraph, execution: Execution) -> StepOutcome:
        """Run a group; its inner steps see the scope of ``execution``."""

    async def case(self, step: PlannedStep, execution: Execution) -> StepOutcome:
        """Run the case of a switch in its place."""

    async def workflow(self, plan: Plan, inputs: Mapping[str, Json], execution: Execution) -> StepOutcome:
        """Run another workflow with a scope of its own."""


@dataclass(frozen=True, slots=True)
class Done:
    """A step, or one item or iteration of it, that an attempt of a retried group finished."""

    outcome: Succeeded
    model: str | None = None
    cost: Money = ZERO


Kept = MutableMapping[Address, Done]
"""What earlier attempts of a retried group finished, at any depth: a retry repeats the rest."""


Above = tuple[tuple[PlannedStep, Names], ...]
"""The composite steps that an execution stands in, from inside out, each with what it saw."""


@dataclass(slots=True)
class Execution:
    """One execution of one step: the only mutable thing a kind of step sees, and it lives as long as its attempt.

    ``order`` tells all that is special to it; the rest is the plan and the services of the process that executes it.
    """

    order: Order
    step: PlannedStep
    plan: Plan
    services: Services
    nested: Nested
    render: Callable[[Template, Names], Json]
    render_value: Callable[[Value, Names], Json]
    kept: Kept | None = None
    """None where nothing around this execution may be repeated."""
    inner_names: Names | None = None
    """The scope of the group that just ran, for ``until``."""
    around: Above = ()
    """The composite steps that it stands in."""
    fresh: bool = False
    """True once something was done that no earlier life of the run had recorded."""
    model: str | None = None
    cost: Money = ZERO
    conversations: MutableMapping[str, object] = field(default_factory=dict)
    """Step id → messages; what is added lives as long as the step, with all its iterations."""

    @property
    def address(self) -> Address:
        """Where it stands in the run."""
        return self.order.address

    @property
    def names(self) -> Names:
        """What its templates may name."""
        return self.order.names

    @property
    def budgets(self) -> tuple[str, ...]:
        """The budget scopes that pay, from the run inwards."""
        return self.order.budgets

    @property
    def above(self) -> Above:
        """This step and the composite ones that it stands in."""
        return ((self.step, self.order.names), *self.around)

    @property
    def generation(self) -> int:
        """Which attempt of the retries around it this is."""
        return self.order.generation

    def text(self, template: Template) -> str:
        """Render ``template`` to text; what is not text is written as JSON."""
        return as_text(self.render(template, self.names))
