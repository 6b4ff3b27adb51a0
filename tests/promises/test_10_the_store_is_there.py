"""Promise 10: the first error of the store stops the run before anything else is paid, and names the path."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import nano_flow
from nano_flow.cli.main import run_command
from nano_flow.contracts.samples import intended, run_record
from nano_flow.core.errors import StoreError, UsageError
from nano_flow.core.events import CallIntended, Event, StepFinished
from nano_flow.library import arun
from nano_flow.stores.sqlite.store import open_store


def replace_by_copy(folder: Path) -> None:
    shutil.copy(folder / "state.db", folder / "copy")
    (folder / "copy").rename(folder / "state.db")


def move_away(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def remove_log(folder: Path) -> None:
    (folder / "state.db-wal").unlink()


def empty_file(folder: Path) -> None:
    (folder / "state.db").unlink()
    (folder / "state.db").touch()


GONE: list[Callable[[Path], object]] = [
    shutil.rmtree,
    lambda folder: (folder / "state.db").unlink(),
    replace_by_copy,
    move_away,
    remove_log,
    empty_file,
]


@pytest.mark.parametrize("remove", GONE)
def test_a_store_that_is_gone_is_noticed_before_the_next_intent_is_kept(
    tmp_path: Path, remove: Callable[[Path], object]
) -> None:
    async def main() -> None:
        folder = tmp_path / ".nano-flow"
        journal = open_store(folder).create_run(run_record())
        await journal.durable(intended())
        remove(folder)
        with pytest.raises(StoreError, match="removed or replaced") as caught:
            await journal.durable(intended(turn=1))
        assert caught.value.path.startswith(str(folder / "state.db"))
        with pytest.raises(StoreError):
            journal.record(intended(turn=2))
        with pytest.raises(StoreError):
            await journal.close()

    asyncio.run(main())


def test_nothing_is_paid_after_the_state_folder_was_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.yaml").write_text(
        "nano_flow: 1\nname: w\nlimits: {max_parallel: 1}\n"
        "steps: {a: {for_each: range(6), prompt: 'say {{ item }}', model: sim/small}}\n"
    )
    asked: list[str] = []

    class Watcher:
        def handle(self, event: Event) -> None:
            if isinstance(event, CallIntended):
                asked.append(event.address)
            if isinstance(event, StepFinished) and event.address == "a[1]":
                shutil.rmtree(tmp_path / ".nano-flow")

        def close(self) -> None:
            pass

    options = nano_flow.RunOptions(offline=True)
    with pytest.raises(StoreError, match=r"state\.db: was removed"):
        asyncio.run(arun("w.yaml", options=options, sinks=(Watcher(),)))
    assert asked == ["a[0]", "a[1]"]


def test_a_live_process_of_this_machine_is_never_taken_over_whatever_clocks_say(tmp_path: Path) -> None:
    async def main() -> None:
        journal = open_store(tmp_path).create_run(run_record())
        later = open_store(tmp_path, now=lambda: time.time() + 10_000)
        with pytest.raises(UsageError, match="is at work in process"):
            later.reopen_run("r1")
        await journal.close()
        _, again = later.reopen_run("r1")
        await again.close()

    asyncio.run(main())


def test_last_is_the_run_that_was_written_last(tmp_path: Path) -> None:
    async def main() -> None:
        for run_id, at in (("r1", 5_000.0), ("r2", 1_000.0)):  # the clock was set back between them
            await open_store(tmp_path).create_run(run_record(run_id, at)).close()
        with open_store(tmp_path).reader() as reader:
            assert reader.find_run("last").run_id == "r2"
            assert [run.run_id for run in reader.list_runs()] == ["r2", "r1"]

    asyncio.run(main())


def test_the_doctor_says_of_the_store_what_a_run_would_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.yaml").write_text("nano_flow: 1\nname: w\nsteps: {a: {set: {x: 1}}}\n")
    assert run_command(["run", "w.yaml", "-q"]) == 0
    assert run_command(["doctor"]) == 0
    capsys.readouterr()
    (tmp_path / ".nano-flow" / "state.db").write_bytes(b"no database at all " * 500)
    for words in (["run", "w.yaml", "-q"], ["doctor"]):
        assert run_command(words) == 1
        said = capsys.readouterr()
        assert "state.db" in said.out + said.err
