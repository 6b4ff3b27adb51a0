"""Promises 10 to 14: what is kept, by whom, and what is never kept as done."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from nano_flow.contracts.samples import intended, run_record
from nano_flow.core import errors
from nano_flow.core.events import CallFinished
from nano_flow.core.messages import Usage
from nano_flow.stores.sqlite.store import open_store
from tests.cli.said import Said, start
from tests.gateway.fakes import A, FakeProvider, World, ask, reply

HEAD = "nano_flow: 1\nname: w\n"


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    return Said(capsys)


def test_promise_10_paid_records_are_on_disk_and_an_error_of_the_store_names_its_path(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_store(tmp_path / "s").create_run(run_record())
        await journal.durable(intended())
        with sqlite3.connect(tmp_path / "s" / "state.db") as db:  # another connection sees it at once
            assert db.execute("SELECT count(*) FROM events WHERE kind = 'CallIntended'").fetchone() == (1,)
            assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        (tmp_path / "s" / "state.db").unlink()
        with pytest.raises(errors.StoreError, match=r"state\.db"):
            await journal.durable(intended(turn=1))
        with pytest.raises(errors.StoreError):
            await journal.close()

    asyncio.run(main())


def test_promise_11_a_changed_workflow_goes_on_only_when_that_is_accepted(said: Said) -> None:
    Path("w.yaml").write_text(HEAD + "steps: {a: {prompt: hi}, q: {needs: [a], approve: {message: Go?}}}\n")
    said("run", "w.yaml", "--offline", "-q", code=6)
    Path("w.yaml").write_text(HEAD + "steps: {a: {prompt: ho}, q: {needs: [a], approve: {message: Go?}}}\n")
    said("resume", "-q", code=2)
    assert '"a"' in said.err and "1 recorded model calls" in said.err and "--accept-changes" in said.err
    said("resume", "-q", "--accept-changes", code=6)


def test_promise_12_a_run_has_one_owner_at_a_time(tmp_path: Path, said: Said) -> None:
    sleeps = "import time; open('begun', 'w').close(); time.sleep(600)"
    (tmp_path / "w.yaml").write_text(f'{HEAD}steps: {{a: {{run: [{sys.executable}, -c, "{sleeps}"]}}}}\n')
    process = start(tmp_path, "run", "w.yaml", "-q", start_new_session=True)
    try:
        end = time.monotonic() + 60
        while not (tmp_path / "begun").exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        said("resume", "-q", code=2)
        assert "process" in said.err or "running" in said.err
        assert said.json("runs", "show", "last")["status"] == "running"
    finally:
        process.terminate()
        assert process.wait(60) == 143
    with sqlite3.connect(".nano-flow/state.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_promise_13_a_store_of_a_newer_version_is_refused_untouched(said: Said) -> None:
    Path("w.yaml").write_text(HEAD + "steps: {a: {set: {x: 1}}}\n")
    said("run", "w.yaml", "-q")
    with sqlite3.connect(".nano-flow/state.db") as db:
        db.execute("PRAGMA user_version = 9999")
    db.close()
    before = Path(".nano-flow/state.db").read_bytes()
    for words in (["run", "w.yaml", "-q"], ["runs", "list"], ["resume"]):
        said(*words, code=1)
        assert "newer" in said.err and "state.db" in said.err
    assert Path(".nano-flow/state.db").read_bytes() == before


@pytest.mark.parametrize(
    "broken",
    [
        {"finish_reason": "length"},
        {"finish_reason": "incomplete"},
        {"finish_reason": "content_filter"},
        {"text": ""},
        {"text": " \n\t"},
    ],
)
def test_promise_14_a_reply_that_is_not_whole_is_never_kept_as_done(broken: dict[str, str]) -> None:
    world = World(candidates=(A,))
    world.providers["alpha"] = FakeProvider([reply(**broken, usage=Usage(input_tokens=3, output_tokens=2))])
    with pytest.raises((errors.StepError, errors.ProviderError)):
        asyncio.run(world.gateway().call(ask()))
    assert world.of(CallFinished) == []
    assert world.ledger.totals().spent > 0, "what was billed is spent all the same"


def test_promise_12_readers_beside_a_writer_do_no_harm(said: Said) -> None:
    Path("w.yaml").write_text(HEAD + "steps: {a: {for_each: range(30), set: {x: '{{ item }}'}}}\n")
    started = [start(Path.cwd(), "run", "w.yaml", "-q") for _ in range(2)]
    while any(process.poll() is None for process in started):
        if os.path.exists(".nano-flow/state.db"):
            said("runs", "list")
    assert [process.returncode for process in started] == [0, 0]
    assert [run["status"] for run in said.json("runs", "list")["runs"]] == ["succeeded"] * 2
