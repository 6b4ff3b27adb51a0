"""What all executions of a run share, and how an outcome becomes known."""

from __future__ import annotations

from dataclasses import dataclass, field

from nano_flow.core.errors import LimitReached
from nano_flow.core.events import StepSkipped
from nano_flow.core.messages import Json
from nano_flow.core.money import ZERO
from nano_flow.core.outcomes import Failed, Failure, Skipped, StepOutcome, StopReason, Waiting
from nano_flow.core.refs import Address
from nano_flow.plan.plan import PlannedGraph, PlannedStep, Value
from nano_flow.runtime.execution.fence import caught
from nano_flow.runtime.limits import Control, Slots, StepCount, Stop
from nano_flow.runtime.scope import Bill, Frame, record_of
from nano_flow.runtime.state import Topology
from nano_flow.runtime.templates import render
from nano_flow.source.expressions import Template
from nano_flow.steps.context import Nested, Services
from nano_flow.steps.order import Names


@dataclass(slots=True)
class Engine:
    """The services and bounds of one run; whoever assembles it sets ``nested``."""

    services: Services
    control: Control
    slots: Slots
    count: StepCount
    topologies: dict[int, Topology] = field(default_factory=dict)
    pausing: set[str] = field(default_factory=set)
    """Budgets (of the run, of sub-workflows) that pause the run when they are reached."""
    nested: Nested = field(init=False)

    def topology(self, graph: PlannedGraph, *, again: bool = False) -> Topology:
        """The topology of ``graph``, computed once; ``again`` where its ``setup`` steps go before everything else."""
        if again and any(step.setup for step in graph.steps):
            return Topology.of(graph, setup_first=True)
        known = self.topologies.get(id(graph))
        if known is None:
            known = self.topologies[id(graph)] = Topology.of(graph)
        return known

    def settle(self, frame: Frame, step: PlannedStep, outcome: StepOutcome, bill: Bill) -> StepOutcome:
        """Make ``outcome`` visible to the other steps of the graph."""
        frame.steps.settle(step.id, record_of(outcome, bill.model, bill.cost, command=step.kind == "run"))
        frame.bill.add(bill)
        return outcome

    def limit_reached(self, error: LimitReached, address: Address) -> StepOutcome:
        """What a reached bound makes of a step: a bound of the whole run stops it, a budget inside fails the step."""
        kind: StopReason = "limit" if error.limit.startswith("limits.") else "budget"
        pause = kind == "budget" and (error.pauses or error.scope in self.pausing)
        if pause or error.scope == "":
            self.control.order(Stop(kind, address, str(error), pause))
        return Waiting("budget", address, str(error)) if pause else Failed(Failure(kind, str(error)))

    def failed(self, error: Exception, address: Address) -> Failed | None:
        """What ``error`` makes of a step; a tool that is not what was accepted stops the run for a person."""
        failed = caught(self.services, address, error)
        if failed is not None and failed.failure.kind == "tool_changed":
            self.control.order(Stop("approval", address, failed.failure.message))
        return failed

    def tell_skip(self, frame: Frame, event: StepSkipped) -> None:
        """A step of ``frame`` will not start."""
        frame.steps.settle(event.step, record_of(Skipped(event.reason, event.detail), None, ZERO))
        self.services.emit(event)


def holds(template: Template, names: Names) -> bool:
    """Whether a condition holds, as Jinja's ``if`` sees it. StepError where it cannot be evaluated."""
    value: Json = render(template, names)
    return bool(value)


def value_of(value: Value, names: Names) -> Json:
    """``value`` with every template in it rendered. StepError where one cannot be."""
    if isinstance(value, Template):
        return render(value, names)
    if isinstance(value, list):
        return [value_of(inner, names) for inner in value]
    if isinstance(value, dict):
        return {key: value_of(inner, names) for key, inner in value.items()}
    return value
