"""A store that somebody damaged, byte by byte or row by row: what is read is right or an error that names the file."""

from __future__ import annotations

import sqlite3
import tempfile
from functools import lru_cache
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import nano_flow
from nano_flow.core.errors import StoreError, UsageError
from nano_flow.stores.sqlite.store import open_store
from tests.fuzz.cases import fuzzed

WORKFLOW = """nano_flow: 1
name: w
steps:
  a: {for_each: range(3), prompt: "hello {{ item }}", model: sim/small}
  b: {needs: [a], run: [echo, "{{ steps.a.output }}"]}
  c: {needs: [b], run: ['false'], on_error: continue}
"""
VALUES = st.sampled_from(
    [None, -1, 2**62, 1e300, "", "{", "[]", '{"at": "x"}', "\x00", b"\xff", '{"cost": -5}', "x" * 5_000]
)


@lru_cache(maxsize=1)
def whole() -> bytes:
    """A small store with one run, as one file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / ".git").mkdir()
        (folder / "w.yaml").write_text(WORKFLOW)
        where = nano_flow.Where(state_dir=folder / "state")
        nano_flow.run(folder / "w.yaml", where=where, options=nano_flow.RunOptions(offline=True))
        with sqlite3.connect(folder / "state" / "state.db") as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            db.execute("PRAGMA journal_mode = DELETE")
        return (folder / "state" / "state.db").read_bytes()


def read(data: bytes, change: list[str] | None = None) -> None:
    """Read all that a store of ``data`` says of its runs. Only errors for people may come."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "state.db").write_bytes(data)
        try:
            with open_store(folder).reader() as reader:
                for listed in reader.list_runs():
                    list(reader.events_of(listed.run_id))
                reader.find_run("last")
        except (StoreError, UsageError) as error:
            assert str(error)


@fuzzed(150)
@given(st.lists(st.tuples(st.integers(0, 2**20), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6))
def test_changed_bytes(changes: list[tuple[int, bytes]]) -> None:
    data = bytearray(whole())
    for place, new in changes:
        at = place % len(data)
        data[at : at + len(new)] = new
    read(bytes(data))


@fuzzed(50)
@given(st.integers(0, 2**20))
def test_cut_files(length: int) -> None:
    read(whole()[: length % len(whole())])


@fuzzed(150)
@given(st.integers(0, 60), st.integers(0, 30), VALUES)
def test_changed_values(row: int, column: int, value: object) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "state.db"
        path.write_bytes(whole())
        with sqlite3.connect(path) as db:
            tables = [
                found[0] for found in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            ]
            table = tables[row % len(tables)]
            columns = [found[1] for found in db.execute(f"PRAGMA table_info({table})")]
            try:
                db.execute(f"UPDATE {table} SET {columns[column % len(columns)]} = ?", (value,))
            except sqlite3.Error:
                return  # the table itself refuses it
        db.close()
        read(path.read_bytes())
