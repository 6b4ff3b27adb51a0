"""How errors are told: the message of ours, the located findings of a document, one sentence for a defect."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from nano_flow.cli import output
from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.errors import DocumentError, NanoFlowError


def say_failure(error: NanoFlowError, *, as_json: bool) -> None:
    """Print an error of ours on stderr, and as the one JSON document of stdout where that was asked for."""
    if isinstance(error, DocumentError):
        _say_findings(error.diagnostics, as_json=as_json)
        return
    if as_json:
        print_error(str(error), error.exit_code)
    output.fail(output.clean(error))


def say_defect(error: Exception, arguments: Sequence[str], state: Path, *, as_json: bool) -> None:
    """Write the report of a defect into the folder ``state`` and say where it is, in one sentence."""
    from nano_flow.defects import sentence, write_report

    message = sentence(error, write_report(error, arguments, state))
    if as_json:
        print_error(message, 70)
    output.fail(message)


def print_error(message: str, exit_code: int) -> None:
    """The JSON document of a command that failed before it had a document of its own."""
    output.document("nano-flow/error@1", {"error": {"message": message, "exit_code": exit_code}})


def _say_findings(diagnostics: Sequence[Diagnostic], *, as_json: bool) -> None:
    from nano_flow.cli.checking.findings import findings_text
    from nano_flow.operations.project.checking import diagnostics_json

    if as_json:
        made = diagnostics_json(diagnostics, len({diagnostic.where.file for diagnostic in diagnostics}))
        output.document(made.pop("schema"), made)
    print(findings_text(diagnostics, stream="stderr"), file=sys.stderr)  # noqa: T201 (already styled)
    errors = sum(d.severity == "error" for d in diagnostics)
    output.fail(f"{errors} {'error' if errors == 1 else 'errors'}; nothing was started and nothing was sent")
