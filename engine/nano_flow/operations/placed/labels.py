"""Where the placed steps of a workflow would be done, as far as the store knows workers."""

from __future__ import annotations

from nano_flow.core.text import duration_text
from nano_flow.executors.desk import how_to_start
from nano_flow.operations.place import Place
from nano_flow.plan.plan import Plan
from nano_flow.plan.walk import every_step
from nano_flow.ports.placed import ANY


def said_of_labels(place: Place, plan: Plan) -> list[str]:
    """A sentence for each label that steps are left to. Raises StoreError."""
    labels: dict[str, list[str]] = {}
    for path, step in every_step(plan.graph):
        if step.runs_on is not None:
            labels.setdefault(step.runs_on, []).append(path)
    if not labels:
        return []
    store = place.store
    seats = store.placed.seats() if store.exists() and hasattr(store, "placed") else []
    known = {label: sum(label in seat.labels for seat in seats) for label in labels}
    return [_said(label, paths, place, plan, known[label]) for label, paths in labels.items()]


def _said(label: str, paths: list[str], place: Place, plan: Plan, there: int) -> str:
    shown = ", ".join(f'"{path}"' for path in paths[:3]) + (" and others" if len(paths) > 3 else "")
    if place.store.embedded and (label == ANY or not there):
        why = "the store is a file of this machine" + ("" if label == ANY else ", and no worker here has the label")
        return f"runs_on {label} ({shown}): {why}: it runs here"
    if not there:
        wait = duration_text(plan.limits.queue_s)
        missing = f"no worker with the label is there; it waits {wait} for one"
        return f"runs_on {label} ({shown}): {missing}: {how_to_start(label)}"
    return f"runs_on {label} ({shown}): {there} {'worker has' if there == 1 else 'workers have'} the label"
