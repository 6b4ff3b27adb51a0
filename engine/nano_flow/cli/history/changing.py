"""``runs cancel``, ``runs export``, ``runs prune``: what is done with runs that are there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.core.errors import UsageError
from nano_flow.operations.runs.changing import Choice, cancel_run, drop_texts, export_run, prune_runs

__all__ = ["Choice", "cancel", "export", "prune", "prune_texts"]


def cancel(options: Options, run: str) -> None:
    """Ask the owner of a run to cancel it; close it where it has none."""
    done = cancel_run(options.place, run)
    if options.json:
        fields = {"run_id": done.run_id, "asked": done.owner is not None, "problem": done.problem or None}
        output.document("nano-flow/cancel@1", fields)
        return
    said = (
        f"{done.owner} was asked to cancel it"
        if done.owner is not None
        else f"it was closed; its handlers did not run: {done.problem}"
        if done.problem
        else "it was cancelled, and its handlers ran"
    )
    said += f'; what is paid is kept: "nano-flow resume {done.run_id}" would go on with it'
    output.note(f'run "{done.run_id}": {output.clean(said)}')


def export(options: Options, run: str, form: str, file: Path | None) -> None:
    """Write a run as lines of events, its ledger as CSV, everything as one document, or as a page."""
    pieces = _page(options, run) if form == "html" else export_run(options.place, run, form)
    if file is None:
        for piece in pieces:
            output.data(piece)
        return
    first = next(pieces, None)  # a run that is not there must not leave an empty file
    try:
        with file.open("w", encoding="utf-8") as stream:
            stream.writelines(f"{piece}\n" for piece in ([] if first is None else [first]))
            stream.writelines(f"{piece}\n" for piece in pieces)
    except OSError as error:
        raise UsageError(f'"{file}" cannot be written: {error.strerror}') from error
    output.note(f'written to "{file}"')


def _page(options: Options, run: str) -> Iterator[str]:
    from nano_flow.web.exported import run_as_html

    yield run_as_html(options.place, run)


def prune_texts(options: Options, older_than: str | None) -> None:
    """Drop what models were asked; the books stay."""
    dropped = drop_texts(options.place, older_than)
    if options.json:
        output.document("nano-flow/prune@1", {"texts": dropped})
    else:
        output.note(f"{dropped} texts dropped; runs, replies and the ledger stay")


def prune(options: Options, choice: Choice, *, ledger: bool, dry_run: bool) -> None:
    """Delete the runs of ``choice`` that nobody works on."""
    done = prune_runs(options.place, choice, ledger=ledger, dry_run=dry_run)
    if options.json:
        fields = {"runs": list(done.runs), "deleted": done.deleted, "dry_run": dry_run, "spared": done.spared}
        output.document("nano-flow/prune@1", fields)
        return
    for run_id in done.runs:
        output.data(run_id)
    kept = "" if ledger else "; what they cost stays in the ledger"
    output.note(f"{len(done.runs)} would be deleted" if dry_run else f"{done.deleted} deleted{kept}")
    if done.spared:
        those = "1 run that waits" if done.spared == 1 else f"{done.spared} runs that wait"
        output.note(f"{those} for a person or a time kept; --waiting takes them too", level=-1)
