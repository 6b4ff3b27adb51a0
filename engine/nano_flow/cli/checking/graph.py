"""``nano-flow graph``: a drawing of a workflow, and of what a run made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options

Format = Literal["tree", "mermaid", "dot", "svg"]
_EPILOG = """\b
Examples:
  nano-flow graph workflow.yaml
  nano-flow graph workflow.yaml --format svg > workflow.svg
  nano-flow graph workflow.yaml --run last
"""


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
    from nano_flow.cli.frame.looks import width
    from nano_flow.operations.project.drawing import draw_workflow

    made = draw_workflow(options.place, file, form, run, width())
    if made.changed_since is not None:
        output.warn(f'the workflow has changed since the run "{made.changed_since}": steps are matched by their names')
    if options.json:
        output.document("nano-flow/graph@1", {"workflow": made.workflow, "format": form, "drawing": made.text})
    else:
        output.whole(made.text.rstrip("\n"))
    return 0
