"""Every file of the corpus is refused, or accepted, as its index says: with a place, without a trace, in time."""

from __future__ import annotations

import time

import pytest

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.errors import DocumentError
from nano_flow.documents.gate.kinds import kind_of_document
from nano_flow.documents.gate.schema import schema_of
from nano_flow.documents.gate.validator import strict_validator
from nano_flow.documents.load import checked, load_any
from nano_flow.source.yaml_nodes import read_yaml
from tests.corpus.index import FOLDER, GENERATED, Entry, entries

SECONDS = 5
"""Generous: a machine under test is busy; what hangs, hangs for minutes."""


def found_in(entry: Entry) -> tuple[Diagnostic, ...]:
    try:
        loaded = load_any(entry.text(), entry.name, kind_of_document(entry.name, {}) or "workflow")
    except DocumentError as error:
        return error.diagnostics
    assert loaded is not None
    return loaded[1].warnings


@pytest.mark.parametrize("entry", entries("REJECT_LOAD", "REJECT_SCHEMA"), ids=lambda entry: entry.file)
def test_refused_with_code_and_place(entry: Entry) -> None:
    started = time.monotonic()
    found = found_in(entry)
    assert time.monotonic() - started < SECONDS
    errors = [diagnostic for diagnostic in found if diagnostic.severity == "error"]
    assert entry.code in [diagnostic.code for diagnostic in errors]
    if entry.line:
        places = [(d.where.line, d.where.column) for d in errors if d.code == entry.code]
        assert (entry.line, entry.column) in places
    assert all(diagnostic.where.file == entry.name for diagnostic in found)
    assert len(found) <= 201


@pytest.mark.parametrize("entry", entries("ACCEPT", "REJECT_PLAN"), ids=lambda entry: entry.file)
def test_loads_and_warns_where_the_index_says(entry: Entry) -> None:
    found = found_in(entry)
    assert [d for d in found if d.severity == "error"] == []
    if entry.code:
        assert [(d.code, d.where.line, d.where.column) for d in found] == [(entry.code, entry.line, entry.column)]


READABLE = [e for e in entries("REJECT_SCHEMA", "ACCEPT", "REJECT_PLAN") if e.file not in GENERATED]


@pytest.mark.parametrize("entry", READABLE, ids=lambda entry: entry.file)
def test_model_and_schema_give_the_same_verdict(entry: Entry) -> None:
    source = read_yaml(entry.text(), entry.name)
    kind = kind_of_document(entry.name, source.data) or "workflow"
    try:
        checked(source, kind)
        accepted = True
    except DocumentError:
        accepted = False
    assert strict_validator(schema_of(kind)).is_valid(source.data) == accepted


def test_both_parsers_say_the_same() -> None:
    differing = []
    for entry in entries("REJECT_LOAD"):
        if entry.file in GENERATED:
            continue
        found = []
        for pure in (False, True):
            with pytest.raises(DocumentError) as caught:
                read_yaml(entry.text(), "f", pure=pure)
            found.append({(d.code, d.where.line) for d in caught.value.diagnostics})
        if found[0] != found[1]:
            differing.append((entry.file, found))
    assert differing == []


def test_the_index_names_every_file() -> None:
    kept = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.yaml")}
    assert kept == {entry.file for entry in entries()} - GENERATED.keys()
