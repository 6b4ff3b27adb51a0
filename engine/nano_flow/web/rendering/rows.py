"""The steps of a run's document as rows of a table, many executions of one step folded into one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from itertools import groupby

from nano_flow.core.messages import Json, Usage
from nano_flow.core.money import money
from nano_flow.core.refs import path_of

STRIP = 300
"""Executions that are shown one by one in the row of their step."""
_FOLDED = 12
_COUNTED = tuple(field.name for field in fields(Usage) if field.name.endswith("_tokens"))
_NEXT = {
    "approval": "nano-flow approvals answer {run} {address} OPTION",
    "budget": "nano-flow resume {run} --budget USD",
}


@dataclass(slots=True)
class StepRow:
    """One step, or the many executions of one step, as one row."""

    address: str
    status: str
    kind: str = ""
    detail: str = ""
    model: str = ""
    tier: str = ""
    tokens: int = 0
    cost: int | None = 0
    simulated: bool = False
    duration_s: float | None = None
    items: list[tuple[str, str]] = field(default_factory=list)
    """Address and state of each execution, where there are many."""


def rows(document: Mapping[str, Json]) -> list[dict[str, Json]]:
    """The steps of a ``nano-flow/run@1``."""
    steps = document.get("steps")
    return [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []


def goes_on(document: Mapping[str, Json]) -> str:
    """The command that goes on with a run that stopped; empty where nothing is to be done."""
    status, stop = document.get("status"), document.get("stop")
    if status not in ("paused", "failed") or not isinstance(stop, dict):
        return ""
    form = _NEXT.get(str(stop.get("reason")), "nano-flow resume {run}")
    return form.format(run=document.get("run_id"), address=stop.get("address") or "ADDRESS")


def folded(steps: list[dict[str, Json]]) -> Iterator[StepRow]:
    """A row for each step; where it has many executions, one row for all of them."""
    for path, group in groupby(steps, key=lambda step: path_of(str(step["address"]))):
        executions = list(group)
        if len(executions) <= _FOLDED:
            yield from (_row(step) for step in executions)
        else:
            yield _together(path, executions)


def _row(step: Mapping[str, Json]) -> StepRow:
    cost, error = step.get("cost_usd"), step.get("error")
    detail = str(step.get("reason") or step.get("case") or "")
    if isinstance(error, dict) and step["status"] == "failed":
        detail = f"{error.get('class')}: {error.get('message')}"[:200]
    return StepRow(
        address=str(step["address"]),
        status=str(step["status"]),
        kind=str(step.get("kind") or ""),
        detail=detail,
        model=_model(step),
        tier=str(step.get("tier") or "") if step.get("model") else "",
        tokens=_tokens(step),
        cost=None if cost is None else money(str(cost)),
        simulated=bool(step.get("simulated")),
        duration_s=_number(step.get("duration_s")),
    )


def _together(path: str, executions: list[dict[str, Json]]) -> StepRow:
    counts = Counter(str(step["status"]) for step in executions)
    worst = next((s for s in ("failed", "waiting", "running", "pending", "succeeded") if counts.get(s)), "skipped")
    models = sorted({model for step in executions if (model := _model(step))})
    costs = {str(cost) if cost is not None else None for step in executions if (cost := step.get("cost_usd")) != "0"}
    amounts = {text: money(text) for text in costs if text is not None}
    spent = sum(amounts[str(step["cost_usd"])] for step in executions if step.get("cost_usd") not in ("0", None))
    return StepRow(
        address=path,
        status=worst,
        kind=str(executions[0].get("kind") or ""),
        detail=", ".join(f"{number} {status}" for status, number in counts.items()),
        model=models[0] if len(models) == 1 else f"{len(models)} models" if models else "",
        tokens=sum(_tokens(step) for step in executions),
        cost=None if None in costs else spent,
        simulated=any(step.get("simulated") for step in executions),
        items=[(str(step["address"]), str(step["status"])) for step in executions[:STRIP]],
    )


def _model(step: Mapping[str, Json]) -> str:
    model, requested = step.get("model"), str(step.get("requested_model") or "")
    if not model:
        return ""
    cached = " (cached)" if step.get("cached") else ""
    return f"{model}{cached} for {requested}" if "/" in requested and requested != model else f"{model}{cached}"


def _tokens(step: Mapping[str, Json]) -> int:
    usage = step.get("usage")
    if not isinstance(usage, dict):
        return 0
    return sum(number for name in _COUNTED if isinstance(number := usage.get(name), int))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
