"""The graph of a run: the plan that it ran, in the states that its steps are in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from threading import Lock

from nano_flow.core.messages import Json
from nano_flow.core.money import money, usd
from nano_flow.core.refs import path_of
from nano_flow.operations.place import Place
from nano_flow.operations.runs.picturing import Plan, picture_of_run, plan_of_run, templates_of
from nano_flow.ports import RunRecord

_KEPT = 16
_LARGEST = 400
"""Steps of a plan that is still drawn: a larger picture tells nobody anything."""
_WORST_FIRST = ("failed", "waiting", "running", "succeeded", "pending", "skipped")


class Drawings:
    """Draws runs; a plan that was compiled once is kept."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._plans: OrderedDict[str, Plan | None] = OrderedDict()
        self._lock = Lock()

    def svg(self, record: RunRecord, steps: Iterable[Mapping[str, Json]]) -> str | None:
        """The picture; None where the documents of the run cannot be read as a plan any more, or it is too large."""
        if len(record.kinds) > _LARGEST:
            return None
        plan = self._plan(record)
        if plan is None:
            return None
        rows = list(steps)
        return picture_of_run(plan, statuses(rows), figures(rows))

    def templates(self, record: RunRecord, address: str) -> dict[str, str]:
        """What the author of a prompt wrote; empty where nobody can tell any more."""
        plan = self._plan(record)
        return {} if plan is None else templates_of(plan, address)

    def _plan(self, record: RunRecord) -> Plan | None:
        with self._lock:
            if record.plan_digest in self._plans:
                return self._plans[record.plan_digest]
        plan = plan_of_run(self._place, record)
        with self._lock:
            self._plans[record.plan_digest] = plan
            while len(self._plans) > _KEPT:
                self._plans.popitem(last=False)
        return plan


def statuses(steps: Iterable[Mapping[str, Json]]) -> dict[str, str]:
    """Address without indices → status: of the step as a whole, else the worst of its items and iterations."""
    whole: dict[str, str] = {}
    worst: dict[str, str] = {}
    for step in steps:
        address, status = str(step["address"]), str(step["status"])
        if "[" not in address:
            whole[address] = status
        path = path_of(address)
        if _rank(status) < _rank(worst.get(path, "")):
            worst[path] = status
    return {**worst, **whole}


def figures(steps: Iterable[Mapping[str, Json]]) -> dict[str, str]:
    """Address without indices → what stands on its node: the model, tokens, dollars, items done."""
    by_path: dict[str, list[Mapping[str, Json]]] = {}
    for step in steps:
        by_path.setdefault(path_of(str(step["address"])), []).append(step)
    return {path: text for path, rows in by_path.items() if (text := _figure(rows))}


def _figure(rows: list[Mapping[str, Json]]) -> str:
    items = [row for row in rows if "[" in str(row["address"])]
    parts = []
    if len(items) > 1:
        done = sum(row["status"] in ("succeeded", "failed", "skipped") for row in items)
        failed = sum(row["status"] == "failed" for row in items)
        parts.append(f"{done} of {len(items)}" + (f", {failed} failed" if failed else ""))
    models = sorted({str(row["model"]) for row in rows if row.get("model")})
    if models:
        parts.append(models[0] if len(models) == 1 else f"{len(models)} models")
    costs = [row.get("cost_usd") for row in rows]
    if models and None not in costs:
        parts.append(f"${usd(sum(money(str(cost)) for cost in costs))}")
    return " · ".join(parts)


def _rank(status: str) -> int:
    return _WORST_FIRST.index(status) if status in _WORST_FIRST else len(_WORST_FIRST)
