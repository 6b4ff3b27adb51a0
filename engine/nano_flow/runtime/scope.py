"""Who sees what: the names that templates of one execution may use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field

from nano_flow.core.messages import Json
from nano_flow.core.money import ZERO, Money, usd
from nano_flow.core.outcomes import Failed, ItemFailure, Skipped, StepOutcome, Succeeded, Waiting
from nano_flow.core.refs import Address
from nano_flow.plan.plan import Plan, PlannedGraph
from nano_flow.steps.context import Above, Kept
from nano_flow.steps.order import Names

Record = Mapping[str, Json]

PENDING: Record = {
    "output": None,
    "status": "pending",
    "error": None,
    "errors": [],
    "model": None,
    "cost_usd": "0",
    "case": None,
}


class StepsView(Mapping[str, Record]):
    """``steps`` of one graph execution: its own steps, then those of the graphs around it."""

    __slots__ = ("_ids", "_outer", "_own")

    def __init__(self, graph: PlannedGraph, outer: StepsView | None) -> None:
        self._own: dict[str, Record] = {}
        self._ids = frozenset(step.id for step in graph.steps)
        self._outer = outer

    def __getitem__(self, step_id: str) -> Record:
        record = self._own.get(step_id)
        if record is not None:
            return record
        if step_id in self._ids:
            return PENDING
        if self._outer is not None:
            return self._outer[step_id]
        raise KeyError(step_id)

    def __iter__(self) -> Iterator[str]:
        yield from self._ids
        if self._outer is not None:
            yield from self._outer

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def settle(self, step_id: str, record: Record) -> None:
        """Note what became of a step."""
        self._own[step_id] = record

    def output(self, step_id: str) -> Json:
        """The output of an own step; None where it has none."""
        return self._own.get(step_id, PENDING)["output"]


@dataclass(slots=True)
class Bill:
    """What one execution, with all inside it, cost so far, and the model that answered last."""

    model: str | None = None
    cost: Money = ZERO
    fresh: bool = False
    """Whether anything of it was not recorded by an earlier life of the run."""

    def add(self, other: Bill) -> None:
        """Put another bill on this one."""
        self.fresh |= other.fresh
        if other.cost or other.model:
            self.model = other.model
            self.cost = Money(self.cost + other.cost)


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a graph is executed: its address, its names, who pays, and how often an outer retry repeated it."""

    plan: Plan
    graph: PlannedGraph
    address: Address
    names: Names
    steps: StepsView
    budgets: tuple[str, ...]
    generation: int = 0
    bill: Bill = field(default_factory=Bill)
    kept: Kept | None = None
    """What a retry of a group around this graph need not repeat."""
    above: Above = ()
    """The composite steps that this graph stands in."""
    conversations: MutableMapping[str, object] = field(default_factory=dict)
    """Step id → the messages of its last execution, for ``conversation:``."""


def record_of(outcome: StepOutcome, model: str | None, cost: Money) -> Record:
    """What ``steps.ID`` shows of an outcome."""
    output: Json = None
    error: Json = None
    errors: list[Json] = []
    case: str | None = None
    status = "succeeded"
    if isinstance(outcome, Succeeded):
        output, case = outcome.output, outcome.case
        errors = [item_error(e) for e in outcome.errors]
        if outcome.recovered is not None:
            error = {"class": outcome.recovered.kind, "message": outcome.recovered.message}
    elif isinstance(outcome, Failed):
        status = "failed"
        error = {"class": outcome.failure.kind, "message": outcome.failure.message}
        errors = [item_error(e) for e in outcome.errors]
    elif isinstance(outcome, Skipped):
        status = "skipped"
    elif isinstance(outcome, Waiting):
        status = "waiting"
    return {
        "output": output,
        "status": status,
        "error": error,
        "errors": errors,
        "model": model,
        "cost_usd": usd(cost),
        "case": case,
    }


def item_error(error: ItemFailure) -> Json:
    """One entry of ``steps.ID.errors``."""
    return {
        "index": error.index,
        "item": error.item,
        "class": error.failure.kind,
        "message": error.failure.message,
    }


def failure_names(failed: tuple[str, Failed] | None) -> Record:
    """``failure`` as handlers see it; nulls where nothing failed."""
    if failed is None:
        return {"step": None, "item": None, "class": None, "message": None}
    step_id, outcome = failed
    item = outcome.errors[0].index if outcome.errors else None
    return {"step": step_id or None, "item": item, "class": outcome.failure.kind, "message": outcome.failure.message}
