"""``/runs/ID``: one run, its failure first, its graph, its steps, when each ran, its money and outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from starlette.requests import Request
from starlette.responses import Response

from nano_flow.core.messages import Json
from nano_flow.core.money import money
from nano_flow.core.refs import path_of
from nano_flow.web.pages.frame import page, site_of
from nano_flow.web.pages.now import rows
from nano_flow.web.rendering.gantt import Axis, gantt, money_line

_FOLDED = 12
_STRIP = 300
_FAILURES = 12
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
    tokens: int = 0
    cost: int | None = 0
    simulated: bool = False
    duration_s: float | None = None
    items: list[tuple[str, str]] = field(default_factory=list)
    """Address and state of each execution, where there are many."""


def show(request: Request) -> Response:
    """The page."""
    site = site_of(request)
    run = site.book.run(request.path_params["run"])
    with site.book.fold(run.run_id) as fold:
        document, view = fold.document or {}, fold.view
        record, notices = view.head, [str(getattr(notice, "message", "")) for notice in view.notices]
        steps = rows(document)
        drawing = site.drawings.svg(record, steps) if record is not None else None
        axis = Axis(view.last_at - view.started.at if view.started is not None else 0.0)
        bars = gantt(view, axis)
    with site.book.reader() as reader:
        questions = reader.pending_approvals(run.run_id) if reader is not None else []
        line = money_line(reader.ledger(run.run_id), axis) if reader is not None and len(steps) < _STRIP else None
    failures = [step for step in steps if step["status"] == "failed" and step.get("error")]
    return page(
        request,
        "run.html",
        run=run,
        document=document,
        inputs=dict(record.inputs) if record is not None else {},
        failures=failures[:_FAILURES],
        more_failures=len(failures) - _FAILURES,
        goes_on=goes_on(document),
        questions=questions,
        drawing=drawing,
        rows=list(folded(steps)),
        bars=bars,
        line=line,
        notices=[notice for notice in notices if notice][-8:],
    )


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
    elif step.get("tier"):
        detail = f"{step['tier']}"
    return StepRow(
        address=str(step["address"]),
        status=str(step["status"]),
        kind=str(step.get("kind") or ""),
        detail=detail,
        model=_model(step),
        tokens=_tokens(step),
        cost=None if cost is None else money(str(cost)),
        simulated=bool(step.get("simulated")),
        duration_s=_number(step.get("duration_s")),
    )


def _together(path: str, executions: list[dict[str, Json]]) -> StepRow:
    made = [_row(step) for step in executions]
    counts = {status: sum(row.status == status for row in made) for status in dict.fromkeys(r.status for r in made)}
    worst = next((s for s in ("failed", "waiting", "running", "pending", "succeeded") if counts.get(s)), "skipped")
    models = sorted({row.model for row in made if row.model})
    costs = [row.cost for row in made]
    return StepRow(
        address=path,
        status=worst,
        kind=made[0].kind,
        detail=", ".join(f"{number} {status}" for status, number in counts.items()),
        model=models[0] if len(models) == 1 else f"{len(models)} models" if models else "",
        tokens=sum(row.tokens for row in made),
        cost=None if None in costs else sum(cost or 0 for cost in costs),
        simulated=any(row.simulated for row in made),
        items=[(row.address, row.status) for row in made[:_STRIP]],
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
    return sum(number for name, number in usage.items() if name.endswith("_tokens") and isinstance(number, int))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
