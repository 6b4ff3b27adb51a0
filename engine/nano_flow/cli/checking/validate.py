"""``nano-flow validate``: check every document and say what is wrong where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options
from nano_flow.core.diagnostics import Diagnostic, has_errors
from nano_flow.operations.project.checking import check_documents, find_documents

Format = Literal["text", "json", "github", "sarif"]
INVALID = 3
_EPILOG = """\b
Examples:
  nano-flow validate
  nano-flow validate workflows/review.yaml --format github
  nano-flow validate --strict
  nano-flow validate --watch
"""


@click.command("validate", epilog=_EPILOG)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json", "github", "sarif"]), help="How to print findings.")
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@click.option("--watch", is_flag=True, help="Check again whenever a document changes, until Ctrl-C.")
@pass_options
def command(options: Options, /, paths: tuple[Path, ...], form: Format | None, *, strict: bool, watch: bool) -> int:
    """Check workflows, providers, routing, prices and tests at and below PATHS (default: here).

    Starts nothing and sends nothing. Exit code 3 where a document is invalid.
    A comment `# nano-flow: ignore NF338` at the end of a line silences that warning there.
    """
    chosen: Format = form or ("json" if options.json else "text")
    roots = paths or (Path(),)
    if watch:
        from nano_flow.cli.checking.watching import watch_documents

        watch_documents(lambda: find_documents(roots), lambda: _check(options, roots, chosen, strict=strict))
    return _check(options, roots, chosen, strict=strict)


def _check(options: Options, roots: Iterable[Path], form: Format, *, strict: bool) -> int:
    checked = check_documents(options.place, roots)
    if strict:
        checked = replace(checked, findings=tuple(replace(found, severity="error") for found in checked.findings))
    if form == "text":
        _say_policies(options, checked.documents)
    _print(checked.findings, len(checked.documents), form)
    return INVALID if has_errors(checked.findings) else 0


def _say_policies(options: Options, documents: Sequence[Path]) -> None:
    """Which providers, routing and pricing files are in force; where folders differ, for each."""
    folders = {path.absolute().parent: path for path in documents}
    said = {tuple(options.policy(path)) for path in folders.values()} or {options.policy()}
    for files in sorted(said, key=str):
        names = ", ".join(options.place.policy_names(files))
        output.note(output.style(f"in force: {output.clean(names)}", "dim", stream="stderr"))


def _print(found: tuple[Diagnostic, ...], files: int, form: Format) -> None:
    if form == "text":
        _print_text(found, files)
        return
    from nano_flow import __version__
    from nano_flow.operations.project import checking as machine

    if form == "github":
        if found:
            output.data(machine.github_annotations(found))
        return
    import json

    made = machine.diagnostics_json(found, files) if form == "json" else machine.diagnostics_sarif(found, __version__)
    output.data(json.dumps(made, indent=2, ensure_ascii=False))


def _print_text(found: tuple[Diagnostic, ...], files: int) -> None:
    checked = f"{files} {'document' if files == 1 else 'documents'} checked"
    if not found:
        output.data(f"{checked}: {output.style('no errors', 'good')}" if files else "no documents found")
        return
    from nano_flow.cli.checking.findings import findings_text

    output.data(findings_text(found))
    errors = sum(diagnostic.severity == "error" for diagnostic in found)
    output.data(f"{checked}: {_counted(errors, 'error')}, {_counted(len(found) - errors, 'warning')}")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number or 'no'} {what}s"
