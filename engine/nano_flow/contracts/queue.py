"""What every store has to keep of runs that wait for a worker, and of what must happen once."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path

from nano_flow.contracts.samples import run_record
from nano_flow.ports.store import Mark, RunFilter, Store


class QueueContract(ABC):
    """Inherit it beside ``StoreContract``."""

    @abstractmethod
    def store(self, folder: Path) -> Store:
        """The store of ``folder``, as any process opens it."""

    def test_a_queued_run_is_nobodys_until_it_is_taken(self, tmp_path: Path) -> None:
        store = self.store(tmp_path)
        assert store.queue_run(replace(run_record(), status="queued")) is None
        with store.reader() as reader:
            assert [(run.status, run.owner) for run in reader.list_runs(RunFilter(status="queued"))] == [
                ("queued", None)
            ]
        _, journal = store.reopen_run("r1")
        assert not store.requeue_run("r1")
        asyncio.run(journal.close())
        assert store.requeue_run("r1") and not store.requeue_run("r2")

    def test_a_mark_is_made_once_and_a_run_that_depends_on_it_too(self, tmp_path: Path) -> None:
        store = self.store(tmp_path)
        first, second = Mark("due", "née ☃", 1.5, "r1"), Mark("due", "née ☃", 2.5, "r2")
        assert store.queue_run(replace(run_record(), status="queued"), [first]) is None
        there = store.queue_run(replace(run_record("r2"), status="queued"), [second, Mark("origin", "r2", 2.5)])
        assert there is not None and there.value == "r1"
        with store.reader() as reader:
            assert [run.run_id for run in reader.list_runs()] == ["r1"]
            assert reader.marks("origin") == {} and len(reader.marks("due", ["absent", there.name])) == 1
        assert store.mark(second) == there
        store.remember(Mark("due", there.name, 9.0, "new"))
        assert store.mark(second).value == "new"
        assert (store.forget_marks("due", 9.0), store.forget_marks("due", 9.5)) == (0, 1)
