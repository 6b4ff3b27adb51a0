"""What is left of a run whose process was killed, or whose disk was full: everything that was acknowledged."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import nano_flow
from nano_flow.stores.sqlite.store import open_store

ROOT = Path(__file__).parents[2]


def writing_child(folder: Path, *more: str) -> subprocess.Popen[str]:
    """A process that pays one call after another, and says which."""
    path = os.pathsep.join([str(Path(nano_flow.__file__).parents[1]), str(ROOT)])
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("child.py")), str(folder), *more],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        cwd=folder,
    )


def read_until(child: subprocess.Popen[str], lines: int) -> list[str]:
    assert child.stdout is not None
    return [child.stdout.readline() for _ in range(lines)]


@pytest.mark.parametrize("lines", [1, 17, 100, 500])
def test_after_kill_9_nothing_that_was_paid_is_lost_and_nothing_sent_is_forgotten(tmp_path: Path, lines: int) -> None:
    child = writing_child(tmp_path)
    seen = read_until(child, lines)
    child.send_signal(signal.SIGKILL)
    assert child.stdout is not None
    seen += child.stdout.readlines()
    child.wait()
    paid = {int(line.split()[1]) for line in seen if line.startswith("paid") and line.endswith("\n")}
    sent = {int(line.split()[1]) for line in seen if line.startswith("sent") and line.endswith("\n")}

    store = open_store(tmp_path)
    _, journal = store.reopen_run("r1")
    work = journal.recorded()
    asyncio.run(journal.close())
    recorded = {turn for _, turn in work.calls}
    with store.reader() as reader:
        rows = list(reader.ledger("r1"))
    abandoned = {row["turn"] for row in rows if row["outcome"] == "abandoned"}
    assert paid <= recorded
    assert sent <= recorded | abandoned
    assert not recorded & abandoned
    assert work.possibly_spent == 900 * len(abandoned)
    assert work.spent == 300 * len(recorded) == sum(row["outcome"] == "finished" for row in rows) * 300


def test_a_full_disk_stops_the_run_before_anything_else_is_paid(tmp_path: Path) -> None:
    child = writing_child(tmp_path, "400000")
    assert child.stdout is not None
    lines = child.stdout.read().splitlines()
    assert child.wait() == 1
    assert lines[-1].startswith(f"stopped {tmp_path / 'state.db'}: ")
    paid = {int(line.split()[1]) for line in lines if line.startswith("paid")}
    sent = {int(line.split()[1]) for line in lines if line.startswith("sent")}
    # Those of the batch in flight were sent; no other one was after the first failure.
    assert paid and len(sent - paid) <= 16

    _, journal = open_store(tmp_path).reopen_run("r1")
    asyncio.run(journal.close())
    assert paid <= {turn for _, turn in journal.recorded().calls}
