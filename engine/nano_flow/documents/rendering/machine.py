"""Diagnostics for machines: ``nano-flow/diagnostics@1``, GitHub annotations, SARIF 2.1.0."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from nano_flow.core.diagnostics import Diagnostic

JSON_SCHEMA = "nano-flow/diagnostics@1"
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def diagnostic_fields(diagnostic: Diagnostic) -> dict[str, object]:
    """One diagnostic with the fields that ``cli.md`` promises."""
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


def diagnostics_json(diagnostics: Iterable[Diagnostic], files: int) -> dict[str, Any]:
    """The whole document; ``files`` is how many were checked."""
    return {"schema": JSON_SCHEMA, "files": files, "diagnostics": [diagnostic_fields(d) for d in diagnostics]}


def github_annotations(diagnostics: Iterable[Diagnostic]) -> str:
    """Workflow commands that GitHub shows beside the lines of a change, one a line."""
    return "\n".join(_annotation(diagnostic) for diagnostic in diagnostics)


def _annotation(diagnostic: Diagnostic) -> str:
    where = diagnostic.where
    fields = [f"file={_property(where.file)}", f"line={where.line}", f"endLine={where.end_line}"]
    if where.line == where.end_line:  # GitHub refuses columns across lines
        fields += [f"col={where.column}", f"endColumn={where.end_column}"]
    fields.append(f"title={_property(diagnostic.code)}")
    text = diagnostic.message + (f"\n{diagnostic.hint}" if diagnostic.hint else "")
    return f"::{diagnostic.severity} {','.join(fields)}::{_escaped(text)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def diagnostics_sarif(diagnostics: Sequence[Diagnostic], version: str) -> dict[str, Any]:
    """A SARIF 2.1.0 log; ``version`` is nano-flow's."""
    rules = sorted({diagnostic.code for diagnostic in diagnostics})
    driver = {"name": "nano-flow", "version": version, "rules": [{"id": code} for code in rules]}
    return {
        "$schema": _SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_result(diagnostic, rules) for diagnostic in diagnostics],
            }
        ],
    }


def _result(diagnostic: Diagnostic, rules: Sequence[str]) -> dict[str, Any]:
    where = diagnostic.where
    text = f"{diagnostic.message} ({diagnostic.hint})" if diagnostic.hint else diagnostic.message
    region = {
        "startLine": where.line,
        "startColumn": where.column,
        "endLine": where.end_line,
        "endColumn": where.end_column,
    }
    return {
        "ruleId": diagnostic.code,
        "ruleIndex": rules.index(diagnostic.code),
        "level": diagnostic.severity,
        "message": {"text": text},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": _uri(where.file)}, "region": region}},
        ],
    }


def _uri(file: str) -> str:
    from urllib.parse import quote

    return quote(file.replace("\\", "/"))
