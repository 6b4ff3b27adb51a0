"""From a document that its model refused to diagnostics: where, what, what instead; bounded in number and time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from pydantic import ValidationError

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.documents.gate.explain import Finding, address, explain
from nano_flow.documents.gate.forms import form_of_key, form_of_value
from nano_flow.documents.gate.kinds import Kind
from nano_flow.documents.gate.pruning import MAX_ENTRIES, Pruned, prune
from nano_flow.source.reading.problems import MAX_DIAGNOSTICS, bounded
from nano_flow.source.source_map import Path, SourceDocument

MAX_ERRORS = 5000
"""Errors of the schema gate that are put in order; a page of them is shown."""


def located_errors(source: SourceDocument, kind: Kind, error: ValidationError) -> list[Diagnostic]:
    """The errors of ``source`` in the order of its text. Never empty."""
    said = _said(error)
    pruned = prune(source.data, ((place, kind_of_error == "extra_forbidden") for place, kind_of_error, _ in said))
    found = list(islice(_findings(source, pruned, kind), MAX_DIAGNOSTICS + 1))
    findings = _without_echoes(found[:MAX_DIAGNOSTICS]) or _of_model(said)
    uncounted = len(found) > MAX_DIAGNOSTICS or (bool(pruned.shifts) and len(findings) >= MAX_ENTRIES)
    left_out = pruned.left_out or (None if uncounted else 0)
    return bounded([_diagnostic(source, finding) for finding in findings], left_out)


def _said(error: ValidationError) -> list[tuple[Path, str, str]]:
    """Location, type and message of each of the model's errors."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    return [(tuple(entry["loc"]), entry["type"], entry["msg"]) for entry in errors]


def _findings(source: SourceDocument, pruned: Pruned, kind: Kind) -> Iterator[Finding]:
    from nano_flow.documents.gate.schema import schema_of
    from nano_flow.documents.gate.validator import strict_validator

    errors = list(islice(strict_validator(schema_of(kind)).iter_errors(pruned.data), MAX_ERRORS))
    # The validator takes keys in the order of a set; what is shown must not change from run to run.
    errors.sort(
        key=lambda error: (source.nodes(pruned.original(tuple(error.path)))[1], list(map(str, error.schema_path)))
    )
    for error in errors:
        for finding in explain(error):
            whole = replace(finding, path=pruned.original(finding.path))
            yield _with_form(whole, source) if kind == "workflow" else whole


def _with_form(finding: Finding, source: SourceDocument) -> Finding:
    """The same, with the right form where it is known what people mean by this one."""
    if finding.code == "NF203":
        hint = form_of_key(finding.path, source.value(finding.path))
    elif finding.code == "NF204":
        hint = form_of_value(finding.path, source.value(finding.path))
    else:
        return finding
    return replace(finding, hint=hint or finding.hint)


def _without_echoes(findings: list[Finding]) -> list[Finding]:
    """One slip, one error.

    Where a step has two kinds, each kind calls the keys of the other unknown; what is none of the words is often no
    text either.
    """
    torn = {finding.path[:-1] for finding in findings if finding.code == "NF210" and finding.on == "key"}
    worded = {finding.path for finding in findings if finding.code == "NF207"}
    echoes = {
        f for f in findings if (f.code == "NF203" and f.path[:-1] in torn) or (f.code == "NF204" and f.path in worded)
    }
    echoes |= _missing_and_misnamed(findings)
    return [finding for finding in dict.fromkeys(findings) if finding not in echoes]


def _missing_and_misnamed(findings: list[Finding]) -> set[Finding]:
    """Keys that are missing because an unknown one stands in their place, as its hint says."""
    meant = {(finding.path[:-1], finding.hint) for finding in findings if finding.code == "NF203" and finding.hint}
    return {
        finding
        for finding in findings
        if finding.code == "NF202" and (finding.path, f"did you mean {finding.message.split()[2]}?") in meant
    }


def _of_model(said: list[tuple[Path, str, str]]) -> list[Finding]:
    """The model's own errors, for what a schema cannot say."""
    messages = ((place, message.removeprefix("Value error, ")) for place, _, message in said[:MAX_DIAGNOSTICS])
    return [Finding("NF211", message[:1].lower() + message[1:], place) for place, message in messages]


def _diagnostic(source: SourceDocument, finding: Finding) -> Diagnostic:
    path = finding.path
    if finding.on == "key":
        where = source.key_range(path)
    elif finding.on == "start":
        where = source.start_range(path)
    else:
        where = source.value_range(path)
    return Diagnostic("error", finding.code, finding.message, where, address(path), finding.hint)
