"""A drawing of a workflow, and of what a run made of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nano_flow.core.messages import Json
from nano_flow.core.refs import path_of
from nano_flow.operations.place import Place
from nano_flow.operations.runs.reading import show_run
from nano_flow.plan.drawing.draw import draw
from nano_flow.project.opening import open_workflow

Format = Literal["tree", "mermaid", "dot", "svg"]
_WORST_FIRST = ("failed", "waiting", "running", "succeeded", "pending", "skipped")


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing; ``changed_since`` is the run that coloured it where the workflow has changed since."""

    workflow: str
    text: str
    changed_since: str | None = None


def draw_workflow(place: Place, file: Path, form: Format, run: str | None, width: int) -> Drawing:
    """Draw ``file``, coloured by what became of its steps in ``run``. Raises DocumentError, UsageError."""
    plan = open_workflow(str(file), place.config_dir).plan
    if run is None:
        return Drawing(plan.name, draw(plan, form, {}, width))
    document = show_run(place, run).document
    steps = document["steps"]
    statuses = by_path([step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else [])
    changed = None if document["plan_digest"] == plan.digest else str(document["run_id"])
    return Drawing(plan.name, draw(plan, form, statuses, width), changed)


def by_path(steps: Iterable[Mapping[str, Json]]) -> dict[str, str]:
    """Address without indices → status: of the step as a whole, else the worst of its items and iterations.

    A failure that the workflow tolerates, and what failed inside it, is none of the whole.
    """
    rows = list(steps)
    tolerated = {str(row["address"]) for row in rows if row["status"] == "failed" and row.get("tolerated")}
    whole: dict[str, str] = {}
    worst: dict[str, str] = {}
    for row in rows:
        address, status = str(row["address"]), str(row["status"])
        path = path_of(address)
        if "[" not in address:
            whole[path] = status
        elif path not in whole:
            if status == "failed" and not tolerated.isdisjoint(_around(address)):
                status = "succeeded"
            if _rank(status) < _rank(worst.get(path, "")):
                worst[path] = status
    return {**worst, **whole}


def _around(address: str) -> Iterator[str]:
    """``address`` and the executions that it is part of."""
    yield address
    while "." in address:
        address = address.rpartition(".")[0]
        yield address


def _rank(status: str) -> int:
    return _WORST_FIRST.index(status) if status in _WORST_FIRST else len(_WORST_FIRST)
