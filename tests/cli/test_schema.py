"""``schema`` as typed: with ``--json`` it prints one document, like every command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nano_flow.cli.main import run_command


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, object]]:
    code = run_command(["schema", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_what_was_written_and_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "schemas")
    code, document = printed(capsys, "write", folder)
    written = document.pop("written")
    assert (code, document) == (0, {"schema": "nano-flow/schemas@1", "folder": folder})
    assert isinstance(written, list) and "workflow.schema.json" in written
    assert printed(capsys, "--check", folder) == (0, {**document, "different": []})
    (tmp_path / "schemas" / "workflow.schema.json").write_text("{}")
    assert printed(capsys, "--check", folder) == (1, {**document, "different": ["workflow.schema.json"]})
