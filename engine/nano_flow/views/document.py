"""The JSON document ``nano-flow/run@1`` of a run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields, replace

from nano_flow.core.calls import turn_and_sample
from nano_flow.core.messages import Json, Usage
from nano_flow.core.money import usd
from nano_flow.core.refs import path_of
from nano_flow.core.text import rfc3339
from nano_flow.views.execution import StepView
from nano_flow.views.report import PlannedRow, RunView

SCHEMA = "nano-flow/run@1"

_USAGE = tuple(field.name for field in fields(Usage) if field.name != "reported")
_SEGMENT = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def run_document(view: RunView) -> dict[str, Json]:
    """``view`` as other programs read it: money as decimal strings, times in RFC 3339, durations in seconds."""
    started, ended, totals = view.started, view.ended, view.totals
    head = started or view.head
    return {
        "schema": SCHEMA,
        "run_id": head.run_id if head else None,
        "workflow": head.workflow if head else None,
        "file": head.file if head else None,
        "plan_digest": head.plan_digest if head else None,
        "inputs": dict(head.inputs) if head else {},
        "status": view.status,
        "simulated": view.simulated,
        "started_at": None if view.started_at is None else rfc3339(view.started_at),
        "duration_s": round(view.active_s, 3),
        "lives": view.lives,
        "outputs": ended.outputs if ended else None,
        "error": ended.error if ended else None,
        "stop": _stop(view),
        "cost": {
            "usd": usd(totals.cost),
            "possibly_spent_usd": usd(totals.at_risk(over=view.status != "running")),
            "saved_usd": usd(totals.saved),
            "simulated_usd": usd(totals.simulated_cost),
            "unpriced_calls": totals.unpriced(over=view.status != "running"),
            "budget_usd": None if started is None or started.budget is None else usd(started.budget),
        },
        "usage": usage_fields(totals.usage),
        "policy": dict(head.policy) if head else {},
        "steps": [_step(row) for row in rows_of(view)],
    }


def rows_of(view: RunView) -> list[StepView]:
    """Every execution, and every planned step that has none, in the order of the plan."""
    positions = {path: position for position, path in enumerate(view.planned)}
    rows = [*_as_it_stands(view), *_without_execution(view)]
    return sorted(rows, key=lambda row: _place(row.address, positions))


def usage_fields(usage: Usage | None) -> dict[str, Json]:
    """Tokens by kind; nothing where no model was asked."""
    return {} if usage is None else {name: getattr(usage, name) for name in _USAGE}


def _stop(view: RunView) -> Json:
    if view.ended is None:
        return {"reason": "crash" if view.owner_is_gone else None, "address": None}
    return {"reason": view.ended.stop_reason, "address": view.ended.stop_address}


def _step(row: StepView) -> dict[str, Json]:
    return {
        "address": row.address,
        "id": row.id,
        "item": row.item,
        "iteration": row.iteration,
        "kind": row.kind,
        "reason": row.reason,
        "status": row.status,
        "requested_model": row.requested,
        "model": row.model,
        "score": row.score,
        "tier": row.tier,
        "attempts": [
            {
                **_turn(attempt.turn),
                "model": attempt.model,
                "error": attempt.error,
                "duration_s": round(attempt.duration_s, 3),
                "cost_usd": None if attempt.cost is None else usd(attempt.cost),
            }
            for attempt in row.attempts
        ],
        "checks": [check._asdict() for check in row.checks],
        "retries": row.retries,
        # A sum with an unknown part is unknown.
        "cost_usd": None if row.unpriced_calls else usd(row.cost),
        "simulated": row.simulated,
        "usage": usage_fields(row.usage),
        "cached": row.cached,
        "replayed": row.replayed,
        "tolerated": row.tolerated,
        "case": row.case,
        "output": row.output,
        "error": None
        if row.error is None
        else {"class": row.error[0], "message": row.error[1], **(row.failed_with or {})},
        "duration_s": None if row.duration_s is None else round(row.duration_s, 3),
    }


def _turn(number: int) -> dict[str, Json]:
    """The turn, and which further sample of it where it is one."""
    turn, sample = turn_and_sample(number)
    return {"turn": turn, "sample": sample} if sample else {"turn": turn}


def _as_it_stands(view: RunView) -> Iterable[StepView]:
    """A run that is not at work runs no step: what had begun is to be done again, or waits for what stopped it."""
    if view.status == "running":
        yield from view.steps.values()
        return
    waits_for = view.ended.stop_address if view.ended is not None and view.status == "paused" else None
    for row in view.steps.values():
        if row.status != "running":
            yield row
        elif waits_for is not None and _holds(row.address, waits_for):
            yield replace(row, status="waiting")
        else:
            yield replace(row, status="pending")


def _holds(address: str, inner: str) -> bool:
    return inner == address or inner.startswith((f"{address}.", f"{address}["))


def _without_execution(view: RunView) -> Iterable[StepView]:
    begun = {path_of(address) for address in view.steps}
    for path, planned in view.planned.items():
        if path not in begun:
            yield _never_began(view, planned)


def _never_began(view: RunView, planned: PlannedRow) -> StepView:
    row = StepView(planned.path, planned.id, planned.kind)
    expansion = view.expansions.get(planned.path)
    if expansion is not None and expansion.count == 0 and expansion.status != "running":
        row.status, row.duration_s, row.error = expansion.status, expansion.duration_s, expansion.error
        row.output = [] if expansion.status == "succeeded" else None
        return row
    reason = _skipped_with(view, planned.path)
    if reason is None and view.status in ("failed", "cancelled"):
        reason = "run_stopped"
    elif reason is None and view.status == "succeeded":
        reason = "branch_not_taken"
    if reason is not None:
        row.status, row.reason = "skipped", reason
    return row


def _skipped_with(view: RunView, path: str) -> str | None:
    """Why the group around ``path`` was skipped, and ``path`` with it."""
    while "." in path:
        path = path.rpartition(".")[0]
        around = view.steps.get(path)
        if around is not None and around.status == "skipped":
            return around.reason
    return None


def _place(address: str, positions: dict[str, int]) -> tuple[int, ...]:
    """Where a row stands: by the plan's order from the outermost group inwards, items by their index."""
    place: list[int] = []
    path = ""
    for name, index in _SEGMENT.findall(address):
        if name:
            path = f"{path}.{name}" if path else name
            # What the plan does not name comes after it, in the order of its beginning.
            place.append(positions.setdefault(path, len(positions)))
        else:
            place.append(int(index))
    return tuple(place)
