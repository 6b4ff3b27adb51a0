"""Questions that wait in the store, and the answers that hosts bring."""

from __future__ import annotations

from nano_flow.mcp.offer import Offer
from nano_flow.mcp.questions import Filled, Question
from nano_flow.operations.runs import asking


def open_questions(offer: Offer, run_id: str) -> list[Question]:
    """What a run asks now, oldest first."""
    return [
        Question(
            asked.address,
            asked.message,
            asked.options,
            asked.input_schema if isinstance(asked.input_schema, dict) else None,
        )
        for asked in asking.open_questions(offer.place)
        if asked.run_id == run_id
    ]


def answer(offer: Offer, run_id: str, address: str, filled: Filled, by: str) -> None:
    """Write down a decision. Raises UsageError where nothing is asked there."""
    given = asking.Answer(address, filled.decision, by, filled.input, filled.comment)
    asking.answer_question(offer.place, run_id, given)
