"""What every store has to keep: subclass ``StoreContract`` and say how one is opened."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path

import pytest

from nano_flow.contracts.samples import failed, finished, intended, run_record, started, write_life
from nano_flow.core.errors import StoreError, UsageError
from nano_flow.core.events import ApprovalAsked, Event, RunFinished, StepFinished, StepStarted
from nano_flow.core.messages import ChatReply, Usage
from nano_flow.core.money import Money
from nano_flow.ports.store import Answer, RunFilter, Store

STRANGE = "née \ud800 \0 ☃"
"""What texts of models and people hold now and then: half a surrogate pair, NUL, letters beyond ASCII."""


class StoreContract(ABC):
    """Inherit it in a class whose name begins with ``Test``. ``store`` called twice for a folder opens one store."""

    @abstractmethod
    def store(self, folder: Path) -> Store:
        """The store of ``folder``, as any process opens it."""

    def other(self, folder: Path) -> Store:
        """A store of another kind, so that a move between kinds is tried."""
        from nano_flow.stores.sqlite.store import open_store

        return open_store(folder)

    def kinds(self, store: Store, run_id: str = "r1") -> list[str]:
        """The names of a run's events."""
        with store.reader() as reader:
            return [type(event).__name__ for _, event in reader.events_of(run_id)]

    def test_nothing_is_there_before_the_first_run(self, tmp_path: Path) -> None:
        store = self.store(tmp_path)
        assert not store.exists()
        with pytest.raises(StoreError, match="nano-flow run FILE"):
            store.reader()
        write_life(store, "r1")
        assert self.store(tmp_path).exists()

    def test_the_head_of_a_run_comes_back(self, tmp_path: Path) -> None:
        record = replace(run_record(), inputs={"text": STRANGE, "n": [1, 2.5, None, True]})
        store = self.store(tmp_path)
        asyncio.run(store.create_run(record).close())
        with self.store(tmp_path).reader() as reader:
            assert reader.run_record("r1") == record
            assert reader.run_record("r2") is None

    def test_two_runs_of_one_id_are_refused(self, tmp_path: Path) -> None:
        store = self.store(tmp_path)
        write_life(store, "r1")
        with pytest.raises(StoreError):
            store.create_run(run_record())

    def test_events_come_back_as_they_were_in_order_and_from_any_point(self, tmp_path: Path) -> None:
        store = self.store(tmp_path)
        told: list[Event] = [
            started(),
            finished(reply=ChatReply(STRANGE, "stop", Usage(output_tokens=2**61))),
            StepFinished(1003.0, "ask", {"text": STRANGE, "large": 2**70, "small": -0.0}, 0.1),
        ]
        write_life(store, "r1", *told)
        with store.reader() as reader:
            events = list(reader.events_of("r1"))
            assert [event for _, event in events] == told
            assert list(reader.events_of("r1", after=events[0][0])) == events[1:]
            assert [event for _, event in reader.events_of("r1", kinds=(StepFinished,))] == told[2:]

    def test_a_reader_sees_a_run_while_it_is_written(self, tmp_path: Path) -> None:
        store = self.store(tmp_path)

        async def run() -> list[str]:
            journal = store.create_run(run_record())
            await journal.durable(started())
            seen = self.kinds(self.store(tmp_path))
            await journal.close()
            return seen

        assert asyncio.run(run()) == ["RunStarted"]

    def test_a_run_has_one_owner_at_a_time(self, tmp_path: Path) -> None:
        store = self.store(tmp_path)

        async def run() -> None:
            journal = store.create_run(run_record())
            with pytest.raises(UsageError, match='run "r1" is at work in process'):
                self.store(tmp_path).reopen_run("r1")
            with self.store(tmp_path).reader() as reader:
                assert reader.find_run("r1").owner is not None
            await journal.close()
            record, later = self.store(tmp_path).reopen_run("r1")
            assert record == run_record()
            await later.close()

        asyncio.run(run())
        with store.reader() as reader:
            assert reader.find_run("r1").owner is None

    def test_a_run_that_is_not_there_cannot_be_owned(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match='there is no run "nope"'):
            self.store(tmp_path).reopen_run("nope")

    def test_a_wish_to_cancel_reaches_the_owner(self, tmp_path: Path) -> None:
        store = self.store(tmp_path)

        async def run() -> bool:
            journal = store.create_run(run_record())
            assert not journal.cancel_requested
            self.store(tmp_path).request_cancel("r1")
            for _ in range(100):
                if journal.cancel_requested:
                    break
                await asyncio.sleep(0.05)
            heard = journal.cancel_requested
            await journal.close()
            return heard

        assert asyncio.run(run())

    def test_calls_without_an_end_are_closed_once_by_the_next_owner(self, tmp_path: Path) -> None:
        store = self.store(tmp_path)
        write_life(store, "r1", intended(), finished(), intended("b"))
        for _ in range(2):
            _, journal = self.store(tmp_path).reopen_run("r1")
            assert journal.recorded().possibly_spent == 900
            asyncio.run(journal.close())
        with store.reader() as reader:
            rows = list(reader.ledger("r1"))
        assert [(row["address"], row["outcome"], row["possibly_spent_usd"]) for row in rows] == [
            ("ask", "finished", "0"),
            ("b", "abandoned", "0.0000009"),
        ]

    def test_the_last_end_of_each_step_counts(self, tmp_path: Path) -> None:
        store = self.store(tmp_path)
        again = (StepStarted(5.0, "b", "b", "prompt"), StepFinished(6.0, "b", 1, 0.1))
        write_life(store, "r1", StepStarted(1.0, "a", "a", "prompt"), StepFinished(2.0, "a", 1, 0.1), *again)
        _, journal = store.reopen_run("r1")
        assert journal.recorded().finished == {"a", "b"}
        asyncio.run(journal.close())

    def test_runs_are_found_by_id_beginning_and_age(self, tmp_path: Path) -> None:
        store = self.store(tmp_path)
        for number, run_id in enumerate(("aa1", "aa2", "b%1")):
            write_life(store, run_id, at=1000.0 + number // 2)
        with store.reader() as reader:
            assert reader.find_run("last").run_id == "b%1"
            assert reader.find_run("b").run_id == "b%1"
            assert [run.run_id for run in reader.list_runs()] == ["b%1", "aa2", "aa1"]
            assert [run.run_id for run in reader.list_runs(RunFilter(since=1000.5, limit=5))] == ["b%1"]
            assert reader.list_runs(RunFilter(workflow="other")) == []
            with pytest.raises(UsageError, match=r'several runs: "aa1", "aa2"'):
                reader.find_run("aa")
            with pytest.raises(UsageError, match='there is no run "%"'):
                reader.find_run("%")

    def test_the_end_of_a_run_is_in_its_summary(self, tmp_path: Path) -> None:
        store = self.store(tmp_path)
        write_life(store, "r1", started(), RunFinished(1009.0, "failed", None, "no key", "provider", "ask", 9.0))
        with store.reader() as reader:
            run = reader.find_run("r1")
        assert (run.status, run.finished_at, run.duration_s) == ("failed", 1009.0, 9.0)
        assert (run.error, run.stop_reason, run.stop_address) == ("no key", "provider", "ask")

    def test_money_is_exact_beyond_what_a_float_holds(self, tmp_path: Path) -> None:
        store, large = self.store(tmp_path), 2**53 + 1
        write_life(store, "r1", *(finished(turn=turn, cost=Money(large)) for turn in range(3)))
        with store.reader() as reader:
            assert reader.find_run("r1").cost == 3 * large
            assert reader.spend("run")[0].cost == 3 * large

    def test_spend_is_summed_by_what_is_asked_for(self, tmp_path: Path) -> None:
        store = self.store(tmp_path)
        simulated = finished("play", reply=ChatReply("ok", "stop", Usage(7), simulated=True))
        unpriced = finished("free", cost=None, unpriced="no entry", price_entry="")
        write_life(store, "r1", failed("a", possibly_spent=Money(900)), finished("a", attempt=1), simulated, unpriced)
        write_life(store, "r2", finished("a"), finished("a", turn=1), workflow="other")
        with store.reader() as reader:
            rows = {row.key: row for row in reader.spend("workflow")}
            assert [row.key for row in reader.spend("run")] == ["r1", "r2"]
            assert {row.key for row in reader.spend("step")} >= {"review/a", "other/a"}
            assert [(row.model, row.reason, row.calls) for row in reader.unpriced()] == [
                ("openai/gpt-5-mini", "no entry", 1)
            ]
            assert reader.spend("day", since=2000.0) == []
            observed = reader.observed(before=5000.0)
        first = rows["review"]
        assert (first.calls, first.failed, first.cost, first.simulated_cost) == (4, 1, 300, 300)
        assert (first.possibly_spent, first.unpriced_calls, rows["other"].cost) == (900 + 900, 1, 600)
        assert [(row.simulated, row.calls) for row in observed] == [(False, 4), (True, 1)]

    def test_a_question_is_answered_once_and_by_what_it_offers(self, tmp_path: Path) -> None:
        store = self.store(tmp_path)
        asked = ApprovalAsked(5.0, "ship", f"Publish? {STRANGE}", ("publish", "discard"), {"type": "object"}, None)
        write_life(store, "r1", started(), asked)
        with store.reader() as reader:
            (question,) = reader.pending_approvals()
        assert (question.address, question.options, question.input_schema) == (
            "ship",
            asked.options,
            {"type": "object"},
        )
        with pytest.raises(UsageError, match='did you mean "publish"'):
            store.answer_approval("r1", Answer("ship", "publsh", "ann"))
        store.answer_approval("r1", Answer("ship", "publish", "ann", {"title": STRANGE}, "fine"))
        with pytest.raises(UsageError, match='was answered already: "publish" by ann'):
            store.answer_approval("r1", Answer("ship", "discard", "bob"))
        with store.reader() as reader:
            answer = reader.approval_answers("r1")["ship"]
            assert reader.pending_approvals() == []
        assert (answer.decision, answer.by, answer.input, answer.comment) == (
            *("publish", "ann", {"title": STRANGE}, "fine"),
        )

    def test_deleted_runs_keep_their_spend_unless_that_is_unwanted(self, tmp_path: Path) -> None:
        store = self.store(tmp_path)
        write_life(store, "r1", finished())
        write_life(store, "r2", finished())
        assert store.delete_runs(["r1", "nope"]) == 1
        store.compact()
        with store.reader() as reader:
            assert [run.run_id for run in reader.list_runs()] == ["r2"]
            assert len(list(reader.ledger())) == 2
        assert store.delete_runs(["r2"], ledger=True) == 1
        with store.reader() as reader:
            assert [row["run_id"] for row in reader.ledger()] == ["r1"]

    def test_who_watches_sees_that_something_was_written(self, tmp_path: Path) -> None:
        watch = self.store(tmp_path).watch()
        assert watch.version() == 0
        write_life(self.store(tmp_path), "r1")
        first = watch.version()
        assert watch.version() == first
        write_life(self.store(tmp_path), "r2")
        assert watch.version() != first
        watch.close()

    def test_it_tells_what_it_holds_and_that_it_is_sound(self, tmp_path: Path) -> None:
        store = self.store(tmp_path)
        write_life(store, "r1", started(), intended(), finished())
        facts = store.facts()
        assert facts.rows["runs"] == 1 and facts.rows["events"] == 3 and facts.rows["ledger"] == 1
        assert facts.version > 0 and facts.size > 0 and facts.owned == ()
        assert list(store.faults()) == []

    def test_one_store_is_filled_from_another_and_holds_the_same(self, tmp_path: Path) -> None:
        source, target = self.other(tmp_path / "other"), self.store(tmp_path)
        asked = ApprovalAsked(1004.0, "ship", f"Publish? {STRANGE}", ("publish",), None, None)
        write_life(source, "r1", started(), intended(), finished(), failed(possibly_spent=Money(9)), asked)
        write_life(source, "r2", started(run_id="r2"), finished(cost=None, unpriced="none"), at=900.0)
        write_life(source, "gone", finished("x"))
        source.delete_runs(["gone"])
        for _ in range(2):  # a second time adds nothing
            facts = target.fill(source)
        assert facts.rows == source.facts().rows
        with source.reader() as old, target.reader() as new:
            assert new.list_runs() == old.list_runs()
            assert list(new.ledger()) == list(old.ledger())
            assert new.pending_approvals() == old.pending_approvals()
            assert new.spend("run") == old.spend("run")
            for run_id in ("r1", "r2"):
                assert new.run_record(run_id) == old.run_record(run_id)
                assert list(new.events_of(run_id)) == list(old.events_of(run_id))
        assert list(target.faults()) == []
        _, journal = target.reopen_run("r1")
        assert journal.recorded().spent == 300
        asyncio.run(journal.close())
