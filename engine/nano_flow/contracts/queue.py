"""What every store has to keep of runs that wait for a worker, and of what must happen once."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path

import pytest

from nano_flow.contracts.samples import run_record, started
from nano_flow.core.errors import RunTaken
from nano_flow.core.events import RunFinished
from nano_flow.core.money import Money
from nano_flow.ports.budgets import Bound, Charge
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

    def test_of_several_who_saw_a_run_one_takes_it(self, tmp_path: Path) -> None:
        store = self.store(tmp_path)
        store.queue_run(replace(run_record(), status="queued"))
        with store.reader() as reader:
            seen = reader.find_run("r1")

        async def live(ended: str) -> None:
            _, journal = self.store(tmp_path).reopen_run("r1", seen=seen)
            with pytest.raises(RunTaken):  # nothing has happened in it yet, but it is owned
                self.store(tmp_path).reopen_run("r1", seen=seen)
            journal.record(started())
            journal.record(RunFinished(1009.0, ended, None, None, None, None, 9.0))  # type: ignore[arg-type]
            await journal.close()

        asyncio.run(live("failed"))
        with pytest.raises(RunTaken):
            self.store(tmp_path).reopen_run("r1", seen=seen)
        with store.reader() as reader:
            seen = reader.find_run("r1")
        assert store.requeue_run("r1")
        with pytest.raises(RunTaken):
            self.store(tmp_path).reopen_run("r1", seen=seen)

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

    def test_what_does_not_fit_is_set_aside_nowhere(self, tmp_path: Path) -> None:
        store = self.store(tmp_path)
        wide, narrow = Bound("wide", Money(100), 0.0, 9.0), Bound("narrow", Money(10), 0.0, 9.0, tags=("A_b",))
        charge = Charge("r", "a", 0, 0, 1.0, "w", "p", ("a_B", "c"), Money(6))
        assert store.charge(charge, [wide, narrow])[0]
        second = Charge("r", "a", 1, 0, 2.0, "w", "p", ("axb",), Money(6))
        fits, drawn = store.charge(Charge("r", "a", 1, 0, 2.0, "w", "p", ("a_b",), Money(6)), [wide, narrow])
        assert not fits and [(one.settled, one.held) for one in drawn] == [(0, 6), (0, 6)]
        assert store.charge(second, [wide])[0]
        store.settle_charge(Charge("r", "a", 0, 0, 1.0, "w", "p", (), Money(2)))
        with store.reader() as reader:
            assert [(one.settled, one.held) for one in reader.drawn([wide, narrow])] == [(2, 6), (2, 0)]
            assert [(one.settled, one.held) for one in reader.drawn([Bound("later", Money(1), 1.5, 9.0)])] == [(0, 6)]
        assert (store.forget_charges(1.0), store.forget_charges(2.0), store.forget_charges(9.0)) == (0, 1, 1)
