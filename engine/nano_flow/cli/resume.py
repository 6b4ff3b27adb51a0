"""``nano-flow resume``: go on with a run from what is done."""

from __future__ import annotations

import click

from nano_flow.cli.common import Options, pass_options
from nano_flow.cli.run import WAIT, Dollars, given_inputs
from nano_flow.core.money import Money

_EPILOG = """\b
Examples:
  nano-flow resume
  nano-flow resume last --budget 2.00
  nano-flow resume 3f9a --from review[2] --from review[7]
  nano-flow resume 3f9a --failed
  nano-flow resume last --accept-changes
  nano-flow resume --due
"""


@click.command("resume", epilog=_EPILOG)
@click.argument("run", default="last")
@click.option(
    "--from",
    "addresses",
    multiple=True,
    metavar="ADDRESS",
    help="Do this step or item, and what depends on it, again; may be given several times.",
)
@click.option("--failed", is_flag=True, help="Try again everything that failed, also what the workflow tolerates.")
@click.option("--accept-changes", is_flag=True, help="Go on although the workflow has changed.")
@click.option("--budget", type=Dollars(), metavar="USD", help="A new budget for the whole run.")
@click.option("--file", metavar="FILE", help="The workflow, where it was renamed.")
@WAIT
@click.option("--due", is_flag=True, help="Go on with every run whose answer, timeout or time has come; for cron.")
@click.option("-i", "--input", "given", multiple=True, metavar="NAME=VALUE", help="A secret input, read again.")
@pass_options
def command(
    options: Options,
    /,
    run: str,
    addresses: tuple[str, ...],
    given: tuple[str, ...],
    budget: Money | None,
    file: str | None,
    **flags: bool,
) -> int:
    """Go on with RUN (an id, a unique prefix, or "last"); nothing that was paid is paid again."""
    if flags["due"]:
        from nano_flow.cli.history.due import go_on_with_all_that_are_due

        return go_on_with_all_that_are_due(options)
    from nano_flow.cli.live import go_on
    from nano_flow.operations.runs.starting import ResumeOrder, Wanted

    wanted = Wanted(addresses, flags["failed"])
    order = ResumeOrder(run, wanted, flags["accept_changes"], budget, given_inputs(given), file)
    return go_on(options, order, wait=flags["wait"])
