"""The first run after an upgrade says once that texts are kept, for how long, and how to stop it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.cli.said import Said

FLOW = "nano_flow: 1\nname: w\nsteps: {a: {prompt: hi, model: sim/small}}\n"
WORDS = "what models are asked is kept with each run from now on"


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    Path("w.yaml").write_text(FLOW)
    return Said(capsys)


def _as_before_the_upgrade() -> None:
    with sqlite3.connect(".nano-flow/state.db") as database:
        assert database.execute("DELETE FROM marks WHERE kind = 'notice'").rowcount == 1


def test_a_new_store_has_nothing_to_say(said: Said) -> None:
    for _ in range(2):
        said("run", "w.yaml", "--offline")
        assert WORDS not in said.err


def test_a_store_with_earlier_runs_says_it_once(said: Said) -> None:
    said("run", "w.yaml", "--offline")
    _as_before_the_upgrade()
    said("run", "w.yaml", "--offline")
    assert WORDS in said.err and "30 days" in said.err and "--no-prompts" in said.err
    said("run", "w.yaml", "--offline")
    assert WORDS not in said.err


def test_whoever_keeps_no_texts_is_not_told(said: Said) -> None:
    said("run", "w.yaml", "--offline")
    _as_before_the_upgrade()
    said("run", "w.yaml", "--offline", "--no-prompts")
    assert WORDS not in said.err
    Path("w.yaml").write_text(FLOW.replace("steps:", "record: {prompts: false}\nsteps:"))
    said("run", "w.yaml", "--offline")
    assert WORDS not in said.err
