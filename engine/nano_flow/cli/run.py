"""``nano-flow run``: run a workflow."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nano_flow.cli.common import Options, pass_options
from nano_flow.core.errors import UsageError
from nano_flow.core.money import Money, money

if TYPE_CHECKING:
    from nano_flow.cli.handing import Handing
    from nano_flow.operations.runs.starting import GivenInputs

_EPILOG = """\b
Examples:
  nano-flow run workflow.yaml --offline
  nano-flow run workflow.yaml -i diff=@change.diff -i strict=true --budget 0.50
  nano-flow run workflow.yaml --inputs inputs.yaml --json > result.json
"""


class Dollars(click.ParamType[Money]):
    """An amount of US dollars."""

    name = "usd"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Money:
        """Exact nano-dollars of a decimal."""
        try:
            amount = Decimal(str(value).removeprefix("$"))
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite() or not 0 <= amount <= 1_000_000_000:
            self.fail(f'"{value}" is not an amount of US dollars such as 0.50', param, ctx)
        return money(amount)


# What every command takes that is given a workflow.
FILE = click.argument("file", type=click.Path(path_type=Path))
INPUT = click.option(
    "-i", "--input", "given", multiple=True, metavar="NAME=VALUE", help="An input; NAME=@FILE reads a file."
)
INPUTS_FILE = click.option(
    "--inputs", "inputs_file", type=click.Path(path_type=Path), help="Inputs from a YAML or JSON file, or - (stdin)."
)
WAIT = click.option("--wait", is_flag=True, help="Stay until answers and times have come, however long that takes.")
PROVIDER = click.option("--provider", metavar="NAME", help="Only models of this provider.")
MODEL = click.option("--model", metavar="MODEL", help="One model (provider/model) or tier for every prompt.")


@click.command("run", epilog=_EPILOG)
@FILE
@INPUT
@INPUTS_FILE
@click.option("--offline", is_flag=True, help="Models, MCP servers and http_get are simulated; nothing is sent.")
@click.option("--no-commands", is_flag=True, help="With --offline: commands are simulated, too.")
@PROVIDER
@MODEL
@click.option("--budget", type=Dollars(), metavar="USD", help="At most this many dollars, instead of the file's.")
@click.option("--max-parallel", type=click.IntRange(1, 10_000), metavar="N", help="Prompts and commands at a time.")
@click.option("--no-cache", is_flag=True, help="Do not use kept replies.")
@click.option("--no-fallback", is_flag=True, help="Fail instead of asking another model.")
@click.option(
    "--metrics-port", type=click.IntRange(0, 65_535), metavar="P", help="Serve Prometheus metrics on 127.0.0.1:P."
)
@click.option("--no-prompts", is_flag=True, help="Do not keep what models are asked.")
@click.option("--output", "wanted", metavar="NAME", help="Print this output of the file alone.")
@click.option(
    "--output-file",
    type=click.Path(path_type=Path),
    metavar="F",
    help="Write outputs to F: .csv, .jsonl, .json or .md.",
)
@WAIT
@click.option("--detach", is_flag=True, help="Leave it to a worker; print the run's id and come back at once.")
@click.option("--web", is_flag=True, help="Show its page meanwhile; in a terminal until Ctrl-C.")
@pass_options
def command(
    options: Options,
    /,
    file: Path,
    given: tuple[str, ...],
    inputs_file: Path | None,
    metrics_port: int | None,
    *,
    wait: bool,
    **chosen: object,
) -> int:
    """Run a workflow and print its outputs."""
    from nano_flow.cli.live import run_file
    from nano_flow.operations.runs.starting import RunOptions, StartOrder

    options = options.beside(file)
    detach, web, handing = bool(chosen.pop("detach")), bool(chosen.pop("web")), _handing(file, chosen)
    what = RunOptions(**chosen)  # type: ignore[arg-type]
    order = StartOrder(str(file), given_inputs(given, inputs_file), what, metrics_port=metrics_port)
    if detach and handing is not None:
        raise UsageError("with --detach nobody is here to take the outputs; nano-flow runs show RUN --json has them")
    if detach and web:
        raise UsageError("with --detach the run is a worker's; nano-flow serve shows it")
    if web:
        from nano_flow.cli.serving.beside import with_pages

        return with_pages(options, lambda sink: run_file(options, order, wait=wait, tell=handing, sinks=(sink,)))
    if detach:
        from nano_flow.cli.serving.detached import leave

        return leave(options, order)
    return run_file(options, order, wait=wait, tell=handing)


def _handing(file: Path, chosen: dict[str, object]) -> Handing | None:
    """What ``--output`` and ``--output-file`` ask for; None where neither is given. Raises UsageError."""
    name, path = chosen.pop("wanted"), chosen.pop("output_file")
    if name is None and path is None:
        return None
    from nano_flow.cli.handing import Handing
    from nano_flow.operations.runs.giving import check_wanted

    handing = Handing(None if name is None else str(name), None if path is None else Path(str(path)))
    check_wanted(str(file), handing.name, handing.path)
    return handing


def given_inputs(given: tuple[str, ...], inputs_file: Path | None = None) -> GivenInputs:
    """``("a=1", "b=@f")`` and what a file of inputs holds. UsageError where there is no ``=``."""
    from nano_flow.operations.runs.starting import GivenInputs, read_inputs_file

    texts: dict[str, str] = {}
    for entry in given:
        name, equals, text = entry.partition("=")
        if not equals or not name:
            raise UsageError(f'"-i {entry}" needs the form NAME=VALUE or NAME=@FILE')
        texts[name] = text
    return GivenInputs(texts, read_inputs_file(str(inputs_file)) if inputs_file else {})
