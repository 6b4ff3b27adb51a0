"""From a document that its model refused to diagnostics: where, what, what instead; bounded in number and time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from pydantic import ValidationError

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.documents.gate.explain import Finding, address, explain
from nano_flow.documents.gate.kinds import Kind
from nano_flow.source.reading.problems import MAX_DIAGNOSTICS, bounded
from nano_flow.source.source_map import Path, SourceDocument

MAX_ENTRIES = 60
"""Bad entries of one large mapping (steps, cases, models) that are explained; the others are counted."""


def located_errors(source: SourceDocument, kind: Kind, error: ValidationError) -> list[Diagnostic]:
    """The errors of ``source`` in the order of its text. Never empty."""
    locations = _locations(error)
    data, left_out = _bad_part(source.data, locations)
    found = list(islice(_findings(data, kind), MAX_DIAGNOSTICS + 1))
    findings = _without_echoes(found[:MAX_DIAGNOSTICS]) or _of_model(error)[:MAX_DIAGNOSTICS]
    more = left_out + _more_keys(source.data, found)
    return bounded([_diagnostic(source, finding) for finding in findings], more)


def _findings(data: Any, kind: Kind) -> Iterator[Finding]:
    from nano_flow.documents.gate.schema import schema_of
    from nano_flow.documents.gate.validator import strict_validator

    for error in strict_validator(schema_of(kind)).iter_errors(data):
        yield from explain(error)


def _locations(error: ValidationError) -> list[Path]:
    return [
        tuple(entry["loc"]) for entry in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def _bad_part(data: Any, locations: list[Path]) -> tuple[Any, int]:
    """``data`` without the entries that are fine, so that a thousand good steps are not judged again.

    The number is of errors in bad entries that were left out too.
    """
    if not isinstance(data, dict):
        return data, 0
    part = dict(data)
    left_out = 0
    for key, value in data.items():
        if isinstance(value, dict) and len(value) > MAX_ENTRIES:
            bad = dict.fromkeys(str(place[1]) for place in locations if len(place) > 1 and place[0] == key)
            kept = set(islice(bad, MAX_ENTRIES))
            part[key] = {name: entry for name, entry in value.items() if name in kept} or value
            left_out += len(bad) - len(kept)
    return part, left_out


def _more_keys(data: Any, found: list[Finding]) -> int:
    """Roughly how many unknown keys there are beyond those that were looked at."""
    if len(found) <= MAX_DIAGNOSTICS or not isinstance(data, dict):
        return 0
    return max(1, len(data) - MAX_DIAGNOSTICS)


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
    return [finding for finding in dict.fromkeys(findings) if finding not in echoes]


def _of_model(error: ValidationError) -> list[Finding]:
    """The model's own errors, for what a schema cannot say."""
    findings = []
    for entry in error.errors(include_url=False, include_context=False, include_input=False):
        message = str(entry["msg"]).removeprefix("Value error, ")
        findings.append(Finding("NF211", message[:1].lower() + message[1:], tuple(entry["loc"])))
    return findings


def _diagnostic(source: SourceDocument, finding: Finding) -> Diagnostic:
    path = finding.path
    if finding.on == "key":
        where = source.key_range(path)
    elif finding.on == "start":
        where = source.start_range(path)
    else:
        where = source.value_range(path)
    return Diagnostic("error", finding.code, finding.message, where, address(path), finding.hint)
