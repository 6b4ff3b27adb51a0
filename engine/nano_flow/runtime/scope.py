"""Who sees what: the names that templates of one execution may use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field

from nano_flow.core.messages import Json
from nano_flow.core.money import ZERO, Money, usd
from nano_flow.core.outcomes import Ended, Failed, Failure, ItemFailure, Skipped, StepOutcome, Succeeded, Waiting
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
    "reason": None,
}


class StepsView(Mapping[str, Record]):
    """``steps`` of one graph execution: its own steps, then those of the graphs around it."""

    __slots__ = ("_ids", "_outer", "_own", "above", "ended")

    def __init__(self, graph: PlannedGraph, outer: StepsView | None) -> None:
        self._own: dict[str, Record] = {}
        self._ids = frozenset(step.id for step in graph.steps)
        self._outer = outer
        self.ended = False
        """Whether a ``finish`` or ``fail`` ended the workflow from here."""
        self.above = outer
        """The graph around this one, also where its steps are not seen: that of a sub-workflow's caller."""

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

    def has_ended(self) -> bool:
        """Whether the workflow was ended here, or around here."""
        return self.ended or (self.above is not None and self.above.has_ended())

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


def record_of(outcome: StepOutcome, model: str | None, cost: Money, *, command: bool = False) -> Record:
    """What ``steps.ID`` shows of an outcome; of a ``command`` also how it ended where it failed."""
    if isinstance(outcome, Succeeded) and outcome.recovered is None:
        return {
            "output": outcome.output,
            "status": "succeeded",
            "error": None,
            "errors": [item_error(e) for e in outcome.errors] if outcome.errors else [],
            "model": model,
            "cost_usd": usd(cost),
            "case": outcome.case,
            "reason": None,
        }
    record: dict[str, Json] = {**PENDING, "status": _status(outcome), "model": model, "cost_usd": usd(cost)}
    failure = _failure(outcome)
    if failure is not None:
        record["error"] = failure.shown(command=command)
    if isinstance(outcome, Skipped):
        record["reason"] = outcome.reason
    if isinstance(outcome, Succeeded | Failed):
        record["errors"] = [item_error(e) for e in outcome.errors]
    if isinstance(outcome, Succeeded | Failed | Ended):
        record["case"] = outcome.case
    if isinstance(outcome, Succeeded | Ended):
        record["output"] = outcome.output
    return record


def _status(outcome: StepOutcome) -> str:
    if _has_failed(outcome):
        return "failed"
    return "skipped" if isinstance(outcome, Skipped) else "waiting" if isinstance(outcome, Waiting) else "succeeded"


def _has_failed(outcome: StepOutcome) -> bool:
    return isinstance(outcome, Failed) or (isinstance(outcome, Ended) and outcome.failed)


def _failure(outcome: StepOutcome) -> Failure | None:
    """Why it failed, or what an ``on_error`` replaced."""
    if isinstance(outcome, Succeeded):
        return outcome.recovered
    return outcome.failure if isinstance(outcome, Failed | Ended) and _has_failed(outcome) else None


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
    failure = outcome.failure
    return {"step": failure.address or step_id or None, "item": item, "class": failure.kind, "message": failure.message}
