"""``nano-flow plan``: what would run, on which model, why, and for how much."""

from __future__ import annotations

import time
from pathlib import Path

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options
from nano_flow.cli.run import FILE, INPUT, INPUTS_FILE, MODEL, PROVIDER, Dollars, given_inputs
from nano_flow.core.errors import LimitReached
from nano_flow.core.messages import Json

_EPILOG = """\b
Examples:
  nano-flow plan workflow.yaml
  nano-flow plan workflow.yaml -i diff=@change.diff --budget 0.50
  nano-flow plan workflow.yaml --budget 0.50 --exit-code
  nano-flow plan workflow.yaml --policy cascade
  nano-flow plan workflow.yaml --offline --json | jq .cost_usd
"""


@click.command("plan", epilog=_EPILOG)
@FILE
@INPUT
@INPUTS_FILE
@click.option("--offline", is_flag=True, help="As it would run on simulated models.")
@PROVIDER
@MODEL
@click.option(
    "--policy",
    metavar="POLICY",
    help="Under a policy of routing.yaml (for steps that name none), or a routing document, folder or git revision.",
)
@click.option("--budget", type=Dollars(), metavar="USD", help="Whether it fits this many dollars.")
@click.option("--no-fallback", is_flag=True, help="As if no other model may be asked.")
@click.option("--exit-code", is_flag=True, help="Exit with 5 where the likely cost is above the budget.")
@pass_options
def command(
    options: Options,
    /,
    file: Path,
    given: tuple[str, ...],
    inputs_file: Path | None,
    exit_code: bool,
    policy: str | None,
    **chosen: object,
) -> int:
    """Show every step of a workflow with its model and its cost: at least, likely, at most.

    Nothing is sent and nothing is started. Inputs that are not given count as unknown. The high figure is a bound that
    no run exceeds; the likely one follows earlier runs of the workflow where there are some.
    """
    from nano_flow.cli.money.plan_view import report_text
    from nano_flow.operations.money.plan_document import report_json
    from nano_flow.operations.money.planning import RunOptions, fits, plan_workflow
    from nano_flow.operations.placed.labels import said_of_labels
    from nano_flow.operations.service.inforce import due_of

    what = RunOptions(**chosen)  # type: ignore[arg-type]
    place = options.beside(file).place
    found, cached = plan_workflow(place, str(file), given_inputs(given, inputs_file), what, policy)
    due = due_of(place, file, time.time())
    if options.json:
        placed: list[Json] = [*said_of_labels(place, found.plan)]
        output.document("nano-flow/plan@1", {**report_json(found, cached, due), "placed": placed})
    else:
        output.data(report_text(found, cached, due))
        for said in said_of_labels(place, found.plan):
            output.data(f"  {said}")
    return LimitReached.exit_code if exit_code and fits(found) == "no" else 0
