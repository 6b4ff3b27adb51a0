"""``nano-flow runs``: what ran, how it went, and what is left of it."""

from __future__ import annotations

from pathlib import Path

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options
from nano_flow.cli.run import WAIT, given_inputs

_STATUSES = click.Choice(["succeeded", "failed", "paused", "cancelled", "running"])
_LISTED = click.Choice([*_STATUSES.choices, "queued"])
_EPILOG = """\b
Examples:
  nano-flow runs
  nano-flow runs list --workflow review-change --since 7d
  nano-flow runs show last
  nano-flow runs logs last --follow
  nano-flow runs logs last --failed
  nano-flow runs diff last
  nano-flow runs rerun last -i day=tuesday
  nano-flow runs export last --format csv > spend.csv
  nano-flow runs export last --format html -o run.html
  nano-flow runs prune --older-than 30d
RUN is an id, a unique prefix of one, or "last".
"""


@click.group("runs", invoke_without_command=True, epilog=_EPILOG)
@click.pass_context
def command(context: click.Context) -> int:
    """List, show, compare, cancel, export and prune runs; without a command: list."""
    return 0 if context.invoked_subcommand else int(context.invoke(list_command) or 0)


@command.command("list")
@click.option("--workflow", metavar="NAME", help="Only runs of this workflow.")
@click.option("--status", type=_LISTED, help="Only runs in this state.")
@click.option("--failed", is_flag=True, help="Only runs that failed.")
@click.option("--search", metavar="TEXT", help="Only runs whose names, inputs or errors hold it.")
@click.option("--since", metavar="WHEN", help="Only runs since then: 7d, 12h, 2026-01-31.")
@click.option("-n", "--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@pass_options
def list_command(options: Options, /, workflow: str | None, status: str | None, limit: int, **given: object) -> int:
    """List runs, newest first; of those that failed, where and why."""
    from nano_flow.cli.frame.looks import width
    from nano_flow.operations.moments import moment
    from nano_flow.operations.runs.reading import search_runs
    from nano_flow.ports.store import RunFilter
    from nano_flow.views.listing import SCHEMA, runs_document, runs_text

    since = _text(given["since"])
    wanted = RunFilter(workflow, "failed" if given["failed"] else status, moment(since) if since else None, limit)
    listed = search_runs(options.place, wanted, _text(given["search"]))
    found, places = [each.run for each in listed], {each.run.run_id: each.failed_at for each in listed}
    if options.json:
        output.document(SCHEMA, {"runs": runs_document(found, places)["runs"]})
    elif found:
        output.data(runs_text(found, width(), places))
    elif workflow or status or since or given["failed"] or given["search"]:
        output.note('no run is like that; "nano-flow runs list" shows all')
    else:
        output.note('no runs; "nano-flow run FILE" makes one')
    return 0


@command.command("show")
@click.argument("run", default="last")
@click.option("--timeline", "as_timeline", is_flag=True, help="Show when each step ran instead.")
@click.option("--step", "address", metavar="ADDRESS", help="Show one execution in full, with what was said there.")
@click.option("--full", is_flag=True, help="Show every item of long lists.")
@pass_options
def show_command(options: Options, run: str, as_timeline: bool, address: str | None, full: bool) -> int:
    """Show a run: what failed, its inputs, each step's model, why, tokens, cost and time, the sums and the outputs."""
    from nano_flow.cli.history import showing

    showing.show(options, run, address, as_timeline=as_timeline, full=full)
    return 0


@command.command("logs")
@click.argument("run", default="last")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends.")
@click.option("--step", "address", metavar="ADDRESS", help="Only this step, and what is inside it.")
@click.option("--failed", is_flag=True, help="Only what failed: what was said, called and printed there.")
@pass_options
def logs_command(options: Options, run: str, follow: bool, address: str | None, failed: bool) -> int:
    """Print what happened in a run, a line per event, and what commands printed."""
    from nano_flow.cli.history import showing

    if failed:
        showing.failures(options, run)
        return 0
    showing.logs(options, run, address, follow=follow)
    return 0


@command.command("diff")
@click.argument("a")
@click.argument("b", required=False)
@pass_options
def diff_command(options: Options, a: str, b: str | None) -> int:
    """Compare two runs, or A with the run before it: inputs, documents, decisions, money, outputs."""
    from nano_flow.cli.history import showing

    showing.diff(options, a, b)
    return 0


@command.command("rerun")
@click.argument("run", default="last")
@click.option("-i", "--input", "given", multiple=True, metavar="NAME=VALUE", help="An input that is to be another.")
@WAIT
@pass_options
def rerun_command(options: Options, run: str, given: tuple[str, ...], wait: bool) -> int:
    """Start a new run with the inputs and options of RUN."""
    from nano_flow.cli.live import run_file
    from nano_flow.operations.runs.rerunning import rerun_order

    return run_file(options, rerun_order(options.place, run, given_inputs(given)), wait=wait)


@command.command("cancel")
@click.argument("run", default="last")
@pass_options
def cancel_command(options: Options, run: str) -> int:
    """Cancel a run: its steps are stopped, its handlers run, also those of a run that is paused."""
    from nano_flow.cli.history import changing

    changing.cancel(options, run)
    return 0


@command.command("export")
@click.argument("run", default="last")
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv", "json", "html"]),
    default="jsonl",
    show_default=True,
    help="jsonl: a line per event; csv: the ledger; json: report, ledger and events; html: a page, no server needed.",
)
@click.option(
    "-o", "--output", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file instead."
)
@pass_options
def export_command(options: Options, run: str, form: str, file: Path | None) -> int:
    """Export a run."""
    from nano_flow.cli.history import changing

    changing.export(options, run, "json" if options.json else form, file)
    return 0


@command.command("prune")
@click.argument("runs", nargs=-1)
@click.option("--older-than", metavar="WHEN", help="Runs that began before: 30d, 2026-01-31.")
@click.option("--keep", type=click.IntRange(0), metavar="N", help="All but the newest N.")
@click.option("--status", type=_STATUSES, help="Only runs in this state.")
@click.option("--waiting", is_flag=True, help="Also runs that wait for a person or a time.")
@click.option("--texts", is_flag=True, help="Only what models were asked; without --older-than all of it.")
@click.option("--ledger", is_flag=True, help="Forget what they cost, too.")
@click.option("--dry-run", is_flag=True, help="Only say which they are.")
@pass_options
def prune_command(options: Options, /, runs: tuple[str, ...], ledger: bool, dry_run: bool, **given: object) -> int:
    """Delete runs that nobody works on; what they cost stays in the ledger."""
    from nano_flow.cli.history import changing

    older, keep, status = given["older_than"], given["keep"], given["status"]
    if given["texts"]:
        changing.prune_texts(options, _text(older))
        return 0
    if not (runs or older or status or keep is not None):
        raise click.UsageError("say which: RUN …, --older-than WHEN, --keep N or --status STATUS")
    newest, waiting = keep if isinstance(keep, int) else None, bool(given["waiting"])
    choice = changing.Choice(runs, _text(older), newest, _text(status), waiting)
    changing.prune(options, choice, ledger=ledger, dry_run=dry_run)
    return 0


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
