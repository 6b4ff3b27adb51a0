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
    """Address without indices → status: of the step as a whole, else the worst of its items and iterations."""
    whole = {address: status for address, status in _rows(steps) if "[" not in address}
    worst: dict[str, str] = {}
    for address, status in _rows(steps):
        path = path_of(address)
        if path not in whole and _rank(status) < _rank(worst.get(path, "")):
            worst[path] = status
    return {**worst, **whole}


def _rows(steps: Iterable[Mapping[str, Json]]) -> Iterator[tuple[str, str]]:
    return ((str(step["address"]), str(step["status"])) for step in steps)


def _rank(status: str) -> int:
    return _WORST_FIRST.index(status) if status in _WORST_FIRST else len(_WORST_FIRST)
