"""The corpus through ``validate``: plans are refused with a place, nothing is started, nothing is left behind."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from nano_flow.core.diagnostics import has_errors
from nano_flow.project.checking import check_file
from tests.corpus.index import Entry, entries

SECONDS = 10
CANARIES = ("nano_flow_canary_yaml", "nano_flow_canary_jinja", "nano_flow_canary_mcp")


@pytest.mark.parametrize("entry", entries("REJECT_PLAN", "ACCEPT"), ids=lambda entry: entry.file)
def test_verdict_of_validate(entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / entry.name
    path.write_bytes(entry.text())
    started = time.monotonic()
    found = check_file(path)
    assert time.monotonic() - started < SECONDS
    assert has_errors(found) == (entry.must == "REJECT_PLAN")
    assert {diagnostic.where.file for diagnostic in found} <= {entry.name}
    errors = [diagnostic for diagnostic in found if diagnostic.severity == "error"]
    assert all(diagnostic.where.line > 1 for diagnostic in errors)
    if entry.code:
        assert entry.code in [diagnostic.code for diagnostic in found]
    assert [name for name in CANARIES if (tmp_path / name).exists()] == []
