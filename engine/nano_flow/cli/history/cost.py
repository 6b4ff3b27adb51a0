"""``nano-flow cost``: what was spent, and on what."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options

if TYPE_CHECKING:
    from nano_flow.ports.store import Grouping

_GROUPINGS = ("workflow", "step", "model", "provider", "day", "run")
_EPILOG = """\b
Examples:
  nano-flow cost
  nano-flow cost --by model --since 7d
  nano-flow cost --by day --since 2026-01-01 --csv > spend.csv
"""


@click.command("cost", epilog=_EPILOG)
@click.option("--by", type=click.Choice(_GROUPINGS), default="workflow", show_default=True, help="What to sum up by.")
@click.option("--since", metavar="WHEN", help="Only calls since then: 7d, 12h, 2026-01-31.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@pass_options
def command(options: Options, by: Grouping, since: str | None, as_csv: bool) -> int:
    """Show what was spent, by workflow, step, model, provider, day or run."""
    from nano_flow.cli.frame.looks import width
    from nano_flow.core.text import rfc3339
    from nano_flow.operations.moments import moment
    from nano_flow.operations.money.spending import spending
    from nano_flow.views.cost import SCHEMA, cost_csv, cost_document, cost_text

    if as_csv and options.json:
        raise click.UsageError("--csv and --json exclude each other")
    at = moment(since) if since else None
    spent = spending(options.place, by, at)
    if options.json:
        document = cost_document(by, spent.rows, spent.unpriced, None if at is None else rfc3339(at))
        output.document(SCHEMA, {name: value for name, value in document.items() if name != "schema"})
    elif as_csv:
        output.data(cost_csv(by, spent.rows).rstrip("\n"))
    else:
        output.data(cost_text(by, spent.rows, spent.unpriced, width(), bars=sys.stdout.isatty()))
    return 0
