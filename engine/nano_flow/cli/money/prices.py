"""``nano-flow prices``: what calls cost, how old that is, and where others say something else."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from pathlib import Path

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options
from nano_flow.core.errors import UsageError

_EPILOG = """\b
Examples:
  nano-flow prices list gpt-5
  nano-flow prices check --exit-code
  nano-flow prices update openai/gpt-5-mini --write
  nano-flow prices update --add openai/gpt-5.6-luna --write
"""
_WORKFLOW = click.option(
    "--workflow", type=click.Path(path_type=Path), metavar="FILE", help="Under the files in force for this workflow."
)


@click.group("prices", epilog=_EPILOG)
def command() -> None:
    """List, check and update the prices of pricing.yaml. Nothing is fetched; nothing is changed without --write."""


@command.command("list")
@click.argument("name", required=False)
@click.option("--at", "day", metavar="DATE", help="The prices of that day (2026-01-31), not of today.")
@click.option("--all", "every", is_flag=True, help="Earlier and later entries too.")
@_WORKFLOW
@pass_options
def list_prices(options: Options, /, name: str | None, day: str | None, every: bool, workflow: Path | None) -> int:
    """Show the prices in force, in dollars for a million tokens; NAME shows models whose name contains it."""
    from nano_flow.cli.money.prices_view import list_json, list_text
    from nano_flow.operations.money.prices import prices_in_force

    table = prices_in_force(options.place, workflow)
    shown = table.lines(name or "", seconds_of(day), every=every)
    if name and not shown:
        raise UsageError(f'no price is stated for a name with "{name}"; "nano-flow prices list" shows all')
    if options.json:
        output.document("nano-flow/prices@1", list_json(table, shown))
    else:
        output.data(list_text(table, shown))
    return 0


@command.command("check")
@click.option("--exit-code", is_flag=True, help="Exit with 7 where a price differs or is in the wrong unit.")
@_WORKFLOW
@pass_options
def check(options: Options, /, exit_code: bool, workflow: Path | None) -> int:
    """Compare prices with LiteLLM's map and, where it is installed, genai-prices.

    Tells which entries are old, which are in the wrong unit, and which models retire within 60 days.
    """
    from nano_flow.cli.checking.findings import findings_text
    from nano_flow.cli.money.prices_view import check_json, check_text
    from nano_flow.operations.money.prices import prices_in_force, retiring_models

    now = time.time()
    prices = prices_in_force(options.place, workflow)
    found, odd, ending = prices.check(now), prices.advice(), retiring_models(options.place, now, workflow)
    if options.json:
        output.document("nano-flow/prices-check@1", check_json(found, odd, ending))
    else:
        output.data(check_text(found, ending))
        if odd:
            output.note(findings_text(odd, stream="stderr"))
    differ = any(checked.differences for _, models in found for checked in models)
    return 7 if exit_code and (differ or odd) else 0


@command.command("update")
@click.argument("names", nargs=-1)
@click.option("--write", is_flag=True, help="Change the file; without it the difference is only shown.")
@click.option("--from", "day", metavar="DATE", help="The day from which the new prices hold; today if not given.")
@click.option("--add", "added", multiple=True, metavar="PROVIDER/MODEL", help="Give a model its first price.")
@_WORKFLOW
@pass_options
def update(
    options: Options,
    /,
    names: tuple[str, ...],
    *,
    write: bool,
    day: str | None,
    added: tuple[str, ...],
    workflow: Path | None,
) -> int:
    """Add an entry for each model whose price differs from LiteLLM's; NAMES limits it to these models.

    Entries that were in force stay, so that old calls keep their price. Comments and order stay too.
    """
    from nano_flow.operations.money.prices import other_names, prices_in_force

    if names and added:
        raise UsageError("--add gives new models a price; update the others by a command of their own")
    starts = datetime.fromtimestamp(seconds_of(day), UTC).date()
    prices = prices_in_force(options.place, workflow)
    alike = other_names(options.place, workflow)
    change = prices.add(added, starts, alike) if added else prices.update(names, starts)
    output.data(change.diff) if change.diff else output.note("every price is as LiteLLM has it; nothing to change")
    for skipped in change.skipped:
        output.warn(skipped)
    if write and change.diff:
        change.write()
        output.note(f"{change.path} is changed; review it with: git diff {change.path}")
    elif change.diff:
        output.note("nothing is changed yet; --write does it")
    return 0


def seconds_of(day: str | None) -> float:
    """A day as seconds since 1970, UTC; now for None. Raises UsageError."""
    if day is None:
        return time.time()
    try:
        when = date.fromisoformat(day)
    except ValueError:
        raise UsageError(f'"{day}" is not a day such as 2026-01-31') from None
    return datetime(when.year, when.month, when.day, tzinfo=UTC).timestamp()
