"""What every journal has to keep: subclass ``JournalContract`` and say how a life begins and how the next one does."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from nano_flow.contracts.samples import failed, finished, intended, started
from nano_flow.core.events import (
    ApprovalAnswered,
    ApprovalAsked,
    CacheHit,
    Event,
    ReplyChecked,
    RunFinished,
    TextStreamed,
    ToolCalled,
    ToolIntended,
    WaitStarted,
)
from nano_flow.core.messages import ChatReply, ToolCall, Usage
from nano_flow.core.money import Money
from nano_flow.core.shown.questions import fingerprint_of
from nano_flow.ports import Journal, RecordedWork


class JournalContract(ABC):
    """Inherit it in a class whose name begins with ``Test``."""

    @abstractmethod
    def first_life(self, folder: Path) -> Journal:
        """The journal of a new run, kept in ``folder``."""

    @abstractmethod
    def next_life(self, earlier: Journal, folder: Path) -> Journal:
        """The journal of the same run in a later process; ``earlier`` is closed."""

    def relive(self, folder: Path, *events: Event) -> RecordedWork:
        """What the next life is told after ``events``, each of them durable."""

        async def run() -> RecordedWork:
            journal = self.first_life(folder)
            for event in events:
                await journal.durable(event)
            await journal.close()
            later = self.next_life(journal, folder)
            work = later.recorded()
            await later.close()
            return work

        return asyncio.run(run())

    def test_a_new_run_has_nothing_recorded(self, tmp_path: Path) -> None:
        work = self.relive(tmp_path)
        assert (work.calls, work.tools, work.tools_in_doubt, work.approvals, work.waits) == ({}, {}, {}, {}, {})
        assert (work.spent, work.possibly_spent, work.spent_tokens, work.active_s) == (0, 0, 0, 0.0)

    def test_a_paid_reply_is_there_under_its_address_and_turn(self, tmp_path: Path) -> None:
        work = self.relive(tmp_path, intended("a[1]", 2), finished("a[1]", 2))
        assert work.calls == {("a[1]", 2): finished("a[1]", 2)}
        assert (work.spent, work.possibly_spent, work.spent_tokens) == (300, 0, 15)

    def test_a_call_without_an_end_counts_its_worst_case_once(self, tmp_path: Path) -> None:
        work = self.relive(tmp_path, intended(), finished(), intended("b"))
        assert ("b", 0) not in work.calls and work.unknown_calls == (intended("b"),)
        assert (work.spent, work.possibly_spent, work.spent_tokens) == (300, 900, 15 + 70)

    def test_failed_attempts_count_what_they_may_have_cost(self, tmp_path: Path) -> None:
        paid = failed(attempt=1, cost=Money(40), usage=Usage(input_tokens=4))
        events = (intended(), failed(possibly_spent=Money(900)), intended(attempt=1), paid)
        work = self.relive(tmp_path, *events)
        assert (work.spent, work.possibly_spent, work.spent_tokens, work.calls) == (40, 900, 70 + 4, {})

    def test_a_reply_that_is_not_whole_is_paid_but_not_done(self, tmp_path: Path) -> None:
        cut = ChatReply("half of", "length", Usage(output_tokens=9))
        silent = ChatReply("", "stop", Usage(output_tokens=1))
        work = self.relive(tmp_path, finished("a", reply=cut), finished("b", reply=silent))
        assert work.calls == {} and work.spent == 600 and work.spent_tokens == 10

    def test_a_reply_that_only_calls_tools_is_done(self, tmp_path: Path) -> None:
        reply = ChatReply("", "tool_calls", Usage(), (ToolCall("1", "read_file", "{}"),))
        assert self.relive(tmp_path, finished(reply=reply)).calls[("ask", 0)].reply == reply

    def test_a_cached_reply_is_recorded_and_costs_nothing(self, tmp_path: Path) -> None:
        reply = ChatReply("known", "stop", Usage(input_tokens=10))
        work = self.relive(tmp_path, CacheHit(1.0, "ask", 0, "openai/gpt-5", "auto", "f1", reply, Money(70)))
        assert work.calls[("ask", 0)].reply == reply
        assert (work.spent, work.spent_tokens) == (0, 0)

    def test_what_the_checks_said_of_a_reply_is_there_as_it_was_said_last(self, tmp_path: Path) -> None:
        first, last = (ReplyChecked(at, "ask", 2, "openai/gpt-5", at > 1, "run", "p1") for at in (1.0, 2.0))
        assert self.relive(tmp_path, first, last).checked == {("ask", 2): last}

    def test_tools_that_ended_and_tools_in_doubt_are_told_apart(self, tmp_path: Path) -> None:
        first = ToolIntended(1.0, "ask", 0, "1", "write_file", "f", {"path": "a"})
        second = ToolIntended(2.0, "ask", 0, "2", "write_file", "f", {"path": "b"})
        done = ToolCalled(3.0, "ask", 0, "1", "write_file", "f", {"ok": True}, 0.1)
        work = self.relive(tmp_path, first, second, done)
        assert work.tools == {("ask", 0, "1"): done}
        assert work.tools_in_doubt == {("ask", 0, "2"): second}

    def test_answers_questions_and_waits_are_kept(self, tmp_path: Path) -> None:
        asked = ApprovalAsked(5.0, "ship", "Publish?", ("publish", "discard"), None, 99.0)
        answer = ApprovalAnswered(7.0, "ship", "publish", None, "fine", "ann")
        wait = WaitStarted(8.0, "pause", 20.0, "wait 12 0")
        work, key = self.relive(tmp_path, asked, answer, wait), ("ship", fingerprint_of(asked))
        assert work.asked_at == {key: 5.0} and work.approvals == {key: answer} and work.waits == {"pause": wait}

    def test_an_answer_stays_with_the_question_that_it_was_given_to(self, tmp_path: Path) -> None:
        first = ApprovalAsked(5.0, "ship", "Publish 2 rows?", ("yes", "no"))
        answer = ApprovalAnswered(7.0, "ship", "yes", None, "", "ann")
        second = ApprovalAsked(9.0, "ship", "Publish 3 rows?", ("yes", "no"))
        work = self.relive(tmp_path, first, answer, second)
        assert work.approvals == {("ship", fingerprint_of(first)): answer}
        assert work.asked_at == {("ship", fingerprint_of(second)): 9.0}

    def test_active_time_adds_up_over_lives_that_ended_and_lives_that_died(self, tmp_path: Path) -> None:
        paused = RunFinished(1010.0, "paused", None, None, "interrupt", None, 8.0)
        died = (started(2000.0, resumed=True), intended(at=2003.0))
        assert self.relive(tmp_path, started(1000.0), paused, *died).active_s == 8.0 + 3.0

    def test_a_life_that_died_is_closed_by_the_next_one(self, tmp_path: Path) -> None:
        work = self.relive(tmp_path, started(1000.0), intended(at=1005.0), started(5000.0, resumed=True))
        assert work.active_s == 5.0

    def test_recorded_events_are_written_in_order_by_flush(self, tmp_path: Path) -> None:
        async def run() -> RecordedWork:
            journal = self.first_life(tmp_path)
            for turn in range(300):
                journal.record(intended(turn=turn))
                journal.record(TextStreamed(1.0, "ask", turn, "never kept"))
                journal.record(finished(turn=turn))
            await journal.flush()
            await journal.close()
            later = self.next_life(journal, tmp_path)
            work = later.recorded()
            await later.close()
            return work

        work = asyncio.run(run())
        assert [turn for _, turn in work.calls] == list(range(300))
        assert work.spent == 300 * 300 and work.possibly_spent == 0

    def test_many_tasks_may_wait_at_once(self, tmp_path: Path) -> None:
        async def run() -> RecordedWork:
            journal = self.first_life(tmp_path)

            async def one(index: int) -> None:
                await journal.durable(intended(f"a[{index}]"))
                await journal.durable(finished(f"a[{index}]"))

            await asyncio.gather(*(one(index) for index in range(200)))
            await journal.close()
            later = self.next_life(journal, tmp_path)
            work = later.recorded()
            await later.close()
            return work

        work = asyncio.run(run())
        assert {address for address, _ in work.calls} == {f"a[{index}]" for index in range(200)}

    def test_closing_twice_does_no_harm(self, tmp_path: Path) -> None:
        async def run() -> None:
            journal = self.first_life(tmp_path)
            journal.record(started())
            await journal.close()
            await journal.close()

        asyncio.run(run())


def kinds(events: Sequence[Event]) -> list[str]:
    """The names of ``events``, for short assertions."""
    return [type(event).__name__ for event in events]
