"""Answers of other processes reach a run that is alive."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from nano_flow.core.events import ApprovalAnswered
from nano_flow.core.messages import Json
from nano_flow.stores.answers import AnsweredAnywhere
from nano_flow.testing.time import LoopClock, run_jumping


class Person:
    """Answers after some time, or is not there."""

    def __init__(self, after_s: float, decision: str | None) -> None:
        self.after_s, self.decision = after_s, decision
        self.let_go = False

    async def ask(
        self, address: str, message: str, options: Sequence[str], input_schema: Mapping[str, Json] | None
    ) -> ApprovalAnswered | None:
        try:
            await asyncio.sleep(self.after_s)
        except asyncio.CancelledError:
            self.let_go = True
            raise
        return None if self.decision is None else answered(self.decision, "here")


def answered(decision: str, by: str) -> ApprovalAnswered:
    return ApprovalAnswered(0.0, "ship", decision, None, "", by)


def ask(person: Person | None, *, stored_after: float = 1e9, busy_for: float = 0.0) -> ApprovalAnswered | None:
    async def main() -> ApprovalAnswered | None:
        clock = LoopClock()

        def answers() -> Mapping[str, ApprovalAnswered]:
            return {"ship": answered("elsewhere", "store")} if clock.monotonic() >= stored_after else {}

        approver = AnsweredAnywhere(person, answers, lambda: clock.monotonic() < busy_for, clock)
        return await approver.ask("ship", "ship?", ("here", "elsewhere"), None)

    return run_jumping(main())


def test_the_first_answer_counts() -> None:
    late, early = Person(100, "here"), Person(1, "here")
    assert ask(late, stored_after=5) == answered("elsewhere", "store")
    assert late.let_go
    assert ask(early, stored_after=5) == answered("here", "here")


def test_a_question_stays_open_while_the_run_has_other_work() -> None:
    assert ask(None, stored_after=5, busy_for=10) == answered("elsewhere", "store")
    assert ask(None, stored_after=20, busy_for=10) is None
    assert ask(Person(1, None), stored_after=5, busy_for=10) == answered("elsewhere", "store")


def test_nobody_and_nothing_to_do_is_no_answer() -> None:
    assert ask(None) is None
    assert ask(Person(0, None)) is None
