"""``nano-flow graph``: a drawing of a workflow, and of what a run made of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options
from nano_flow.core.messages import Json
from nano_flow.core.refs import path_of

Format = Literal["tree", "mermaid", "dot", "svg"]
_EPILOG = """\b
Examples:
  nano-flow graph workflow.yaml
  nano-flow graph workflow.yaml --format svg > workflow.svg
  nano-flow graph workflow.yaml --run last
"""
_WORST_FIRST = ("failed", "waiting", "running", "succeeded", "pending", "skipped")


@click.command("graph", epilog=_EPILOG)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["tree", "mermaid", "dot", "svg"]), default="tree", help="What to print."
)
@click.option("--run", metavar="RUN", help="Colour the steps by what became of them: an id, a prefix of one, or last.")
@pass_options
def command(options: Options, /, file: Path, form: Format, run: str | None) -> int:
    """Draw the steps of FILE, their order, and what is inside them.

    Sends and starts nothing. An SVG is drawn here, without any other program.
    """
    from nano_flow.cli.history.reading import width
    from nano_flow.plan.drawing.draw import draw
    from nano_flow.project.opening import open_workflow

    plan = open_workflow(str(file), options.config_dir).plan
    statuses = _statuses(options, run, plan.digest) if run is not None else {}
    drawing = draw(plan, form, statuses, width())
    if options.json:
        output.document("nano-flow/graph@1", {"workflow": plan.name, "format": form, "drawing": drawing})
    else:
        output.data(drawing.rstrip("\n"))
    return 0


def _statuses(options: Options, run: str, digest: str) -> dict[str, str]:
    from nano_flow.cli.history.reading import store_of, view_of_run
    from nano_flow.views.document import run_document

    with store_of(options).reader() as reader:
        document = run_document(view_of_run(reader, reader.find_run(run).run_id))
    if document["plan_digest"] != digest:
        output.warn(f'the workflow has changed since the run "{document["run_id"]}": steps are matched by their names')
    steps = document["steps"]
    return by_path([step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else [])


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
