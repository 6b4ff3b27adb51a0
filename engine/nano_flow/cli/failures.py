"""How errors are told: the message of ours, the located findings of a document, one sentence for a defect."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from nano_flow.cli import output
from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.errors import DocumentError, NanoFlowError

SHOWN_AT_MOST = 50


def say_failure(error: NanoFlowError, *, as_json: bool) -> None:
    """Print an error of ours on stderr, and as the one JSON document of stdout where that was asked for."""
    if isinstance(error, DocumentError):
        _say_findings(error.diagnostics, as_json=as_json)
        return
    if as_json:
        print_error(str(error), error.exit_code)
    output.fail(output.clean(error))


def say_defect(error: Exception, arguments: Sequence[str], *, as_json: bool) -> None:
    """Write the report of a defect and say where it is, in one sentence."""
    from nano_flow.cli.common import Options
    from nano_flow.cli.frame.crash import write_report

    report = write_report(error, arguments, Options().state)
    where = f'the report is "{report}"' if report else "no report could be written to the state folder"
    message = f"this is a defect of nano-flow ({type(error).__name__}), not of your documents; {where}"
    if as_json:
        print_error(message, 70)
    output.fail(message)


def print_error(message: str, exit_code: int) -> None:
    """The JSON document of a command that failed before it had a document of its own."""
    output.document("nano-flow/error@1", {"error": {"message": message, "exit_code": exit_code}})


def findings_text(diagnostics: Sequence[Diagnostic], *, at_most: int = SHOWN_AT_MOST) -> str:
    """Findings as text, each with its source line, a caret and the hint; the rest of a long list is counted."""
    shown = [_finding(diagnostic) for diagnostic in diagnostics[:at_most]]
    if len(diagnostics) > at_most:
        shown.append(f"… and {len(diagnostics) - at_most} more; --json lists them all")
    return "\n".join(shown)


def finding_fields(diagnostic: Diagnostic) -> dict[str, object]:
    """One finding, as in ``nano-flow/diagnostics@1``."""
    where = diagnostic.where
    return {
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "file": where.file,
        "line": where.line,
        "column": where.column,
        "end_line": where.end_line,
        "end_column": where.end_column,
        "address": diagnostic.address,
        "hint": diagnostic.hint,
    }


def _say_findings(diagnostics: Sequence[Diagnostic], *, as_json: bool) -> None:
    if as_json:
        files = len({d.where.file for d in diagnostics})
        found = [finding_fields(d) for d in diagnostics]
        output.document("nano-flow/diagnostics@1", {"files": files, "diagnostics": found})
    print(findings_text(diagnostics), file=sys.stderr)  # noqa: T201 (already styled)
    errors = sum(d.severity == "error" for d in diagnostics)
    output.fail(f"{errors} {'error' if errors == 1 else 'errors'}; nothing was started and nothing was sent")


def _finding(diagnostic: Diagnostic) -> str:
    look: output.Style = "bad" if diagnostic.severity == "error" else "warn"
    label = output.style(f"{diagnostic.severity} {diagnostic.code}", look, stream="stderr")
    lines = [f"{output.clean(diagnostic.where)}  {label}  {output.clean(diagnostic.message)}", *_excerpt(diagnostic)]
    if diagnostic.hint:
        lines.append(f"    {output.clean(diagnostic.hint)}")
    return "\n".join(lines)


def _excerpt(diagnostic: Diagnostic) -> list[str]:
    """The source line and a caret under the place, where the file can still be read."""
    where = diagnostic.where
    try:
        lines = Path(where.file).read_text(encoding="utf-8", errors="replace").splitlines()
        line = lines[where.line - 1]
    except (OSError, IndexError, ValueError):
        return []
    start = max(0, where.column - 1 - 60)
    length = where.end_column - where.column if where.end_line == where.line else len(line) - where.column + 1
    caret = " " * (where.column - 1 - start) + "^" * max(1, min(length, 100))
    return [f"    {output.clean(line[start : start + 110]).expandtabs(1)}", f"    {caret[:112]}"]
