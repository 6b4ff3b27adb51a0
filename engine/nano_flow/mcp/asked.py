"""Questions that wait in the store, and the answers that hosts bring."""

from __future__ import annotations

from nano_flow.adapters import open_store
from nano_flow.mcp.offer import Offer
from nano_flow.mcp.questions import Filled, Question
from nano_flow.ports.store import Answer, Store


def store_of(offer: Offer) -> Store:
    """The store that the server's runs live in."""
    return open_store(offer.state, offer.environ)


def open_questions(offer: Offer, run_id: str) -> list[Question]:
    """What a run asks now, oldest first."""
    with store_of(offer).reader() as reader:
        return [
            Question(
                asked.address,
                asked.message,
                asked.options,
                asked.input_schema if isinstance(asked.input_schema, dict) else None,
            )
            for asked in reader.pending_approvals(run_id)
        ]


def answer(offer: Offer, run_id: str, address: str, filled: Filled, by: str) -> None:
    """Write down a decision. Raises UsageError where nothing is asked there."""
    store_of(offer).answer_approval(run_id, Answer(address, filled.decision, by, filled.input, filled.comment))
