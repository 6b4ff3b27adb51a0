"""How a run ended, in types: what the library returns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from nano_flow.app import RunReport
from nano_flow.core.errors import RunError
from nano_flow.core.messages import Json


@dataclass(frozen=True, slots=True)
class Spend:
    """US dollars: ``usd`` was paid, ``possibly_spent_usd`` perhaps, ``simulated_usd`` never."""

    usd: Decimal
    simulated_usd: Decimal
    saved_usd: Decimal
    possibly_spent_usd: Decimal
    unpriced_calls: int


@dataclass(frozen=True, slots=True)
class StepResult:
    """One execution of one step."""

    address: str
    status: str
    output: Json
    model: str | None
    requested_model: str | None
    tier: str | None
    score: float | None
    cost_usd: Decimal
    error: Json


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended. ``steps`` holds the executions of each step id in order; ``document`` is ``nano-flow/run@1``."""

    run_id: str
    status: str
    outputs: Json
    error: str | None
    simulated: bool
    cost: Spend
    steps: Mapping[str, Sequence[StepResult]] = field(repr=False)  # asyncio.run writes out what its task returned
    document: Mapping[str, Json] = field(repr=False)


@dataclass(frozen=True, slots=True)
class AgentReply:
    """What one agent answered: ``text`` is its last message, ``attempts`` are all its calls of models."""

    text: str
    model: str | None
    requested_model: str | None
    cost: Spend
    run_id: str
    attempts: Sequence[Json]
    tool_calls: Sequence[Mapping[str, Json]] = ()
    """Calls of tools that were only described (``name``, ``arguments``): whoever asked makes them."""


def result_of(report: RunReport) -> RunResult:
    """The typed form of a run's document."""
    document = report.document
    steps: dict[str, list[StepResult]] = {}
    for row in _rows(document):
        steps.setdefault(str(row["id"]), []).append(_step(row))
    cost = document["cost"]
    error = document["error"]
    return RunResult(
        run_id=report.run_id,
        status=str(document["status"]),
        outputs=document["outputs"],
        error=error if isinstance(error, str) or error is None else json.dumps(error),
        simulated=bool(document["simulated"]),
        cost=_spend(cost if isinstance(cost, dict) else {}),
        steps=steps,
        document=document,
    )


def reply_of(result: RunResult, handed_over: Sequence[Mapping[str, Json]] = ()) -> AgentReply:
    """The answer of a run of one agent. Raises RunError where there is none, and no call was ``handed_over``."""
    if result.status != "succeeded" and not handed_over:
        raise RunError(f"{result.error or result.status} (run {result.run_id})")
    step = result.steps["answer"][0]
    row = next(_rows(result.document))
    attempts = row.get("attempts")
    return AgentReply(
        text="" if handed_over and step.output is None else str(step.output),
        model=step.model,
        requested_model=step.requested_model,
        cost=result.cost,
        run_id=result.run_id,
        attempts=attempts if isinstance(attempts, list) else [],
        tool_calls=handed_over,
    )


def _rows(document: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    rows = document["steps"]
    return (row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else iter(())


def _step(row: Mapping[str, Json]) -> StepResult:
    score = row.get("score")
    return StepResult(
        address=str(row["address"]),
        status=str(row["status"]),
        output=row.get("output"),
        model=_text(row.get("model")),
        requested_model=_text(row.get("requested_model")),
        tier=_text(row.get("tier")),
        score=score if isinstance(score, float) else None,
        cost_usd=Decimal(str(row.get("cost_usd") or "0")),
        error=row.get("error"),
    )


def _spend(cost: Mapping[str, Json]) -> Spend:
    def amount(name: str) -> Decimal:
        return Decimal(str(cost.get(name) or "0"))

    unpriced = cost.get("unpriced_calls")
    return Spend(
        usd=amount("usd"),
        simulated_usd=amount("simulated_usd"),
        saved_usd=amount("saved_usd"),
        possibly_spent_usd=amount("possibly_spent_usd"),
        unpriced_calls=unpriced if isinstance(unpriced, int) else 0,
    )


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
