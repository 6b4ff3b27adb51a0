"""What ``serve`` says before it serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.said import Said


def test_a_store_that_cannot_be_read_ends_it_before_an_address_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".nano-flow").mkdir()
    (tmp_path / ".nano-flow" / "state.db").write_text("garbage")
    said = Said(capsys)
    assert said("serve", "--port", "0", code=1) == ""
    assert "the store is damaged" in said.err
