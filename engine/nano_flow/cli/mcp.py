"""``nano-flow mcp``: workflows and one agent as tools of an MCP host."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nano_flow.cli.common import Options, pass_options
from nano_flow.cli.run import Dollars
from nano_flow.core.errors import UsageError
from nano_flow.core.money import Money

if TYPE_CHECKING:
    from nano_flow.mcp.offer import Offer

_EPILOG = """\b
Examples:
  nano-flow mcp workflows/review.yaml
  nano-flow mcp workflows/*.yaml --budget 0.20 --allow answer,run
  nano-flow mcp workflows/review.yaml --http --port 8421
"""
_RIGHTS = ("answer", "run")


@click.command("mcp", epilog=_EPILOG)
@click.argument("workflows", nargs=-1, type=click.Path(path_type=Path), metavar="[WORKFLOW]...")
@click.option("--http", is_flag=True, help="Serve over HTTP on 127.0.0.1 instead of standard input and output.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8421, show_default=True, help="Of --http; 0: any.")
@click.option("--budget", type=Dollars(), metavar="USD", help="At most this many dollars a call.  [default: 0.50]")
@click.option(
    "--allow", default="", metavar="A,B", help="Further tools: answer (questions of runs), run (cancel them)."
)
@click.option("--offline", is_flag=True, help="Simulated models only: no keys, no network, no bill.")
@pass_options
def command(options: Options, /, workflows: tuple[Path, ...], http: bool, port: int, **given: object) -> int:
    """Serve workflows, and an agent with file tools, to an MCP host.

    Without WORKFLOW: those that service.yaml marks with "mcp: true".
    """
    try:
        from nano_flow.mcp.streams import serve_http, serve_stdio
    except ImportError as error:
        raise UsageError(
            f'serving MCP needs the extra "mcp" ({error.name} is missing): pip install "nano-flow[mcp]"'
        ) from None
    offer = _offer(options, workflows, **given)  # type: ignore[arg-type]
    if http:
        serve_http(offer, port)
    else:
        serve_stdio(offer)
    return 0


def _offer(options: Options, workflows: tuple[Path, ...], *, budget: Money | None, allow: str, offline: bool) -> Offer:
    from nano_flow.mcp.mounted import offered_files
    from nano_flow.mcp.offer import USUAL_BUDGET, Offer, offered

    rights = frozenset(right.strip() for right in allow.split(",") if right.strip())
    if unknown := sorted(rights - {*_RIGHTS}):
        raise UsageError(f'--allow knows {" and ".join(_RIGHTS)}, not "{unknown[0]}"')
    return Offer(
        workflows=offered([str(path) for path in workflows] or offered_files(options.place), options.place),
        folder=Path(os.getcwd()),
        place=options.place.settled(),
        budget=USUAL_BUDGET if budget is None else budget,
        allow=rights,
        offline=offline,
    )
