"""What contract suites write down: the head of a run, and the short story of one paid call."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from nano_flow.core.events import CallFailed, CallFinished, CallIntended, Event, RunStarted
from nano_flow.core.messages import ChatReply, Usage
from nano_flow.core.money import Money
from nano_flow.ports import RunRecord
from nano_flow.ports.store import Store

_MODEL = "openai/gpt-5-mini"
_REPLY = ChatReply("fine", "stop", Usage(input_tokens=10, output_tokens=5))


def run_record(run_id: str = "r1", at: float = 1000.0, *, simulated: bool = False) -> RunRecord:
    """The head of a run of "review"."""
    return RunRecord(
        run_id=run_id,
        workflow="review",
        file="review.yaml",
        created_at=at,
        plan_digest="sha256:1",
        status="running",
        simulated=simulated,
        inputs={"n": 1},
        options={"budget": "0.50"},
        documents={"review.yaml": "nano_flow: 1\n"},
        policy={"routing": {"file": "routing.yaml", "digest": "sha256:2", "commit": None}},
        steps={"ask": "sha256:3"},
        kinds={"ask": "prompt"},
    )


def write_life(store: Store, run_id: str, *events: Event, at: float = 1000.0, workflow: str = "review") -> None:
    """One whole life of a new run."""

    async def run() -> None:
        journal = store.create_run(replace(run_record(run_id, at), workflow=workflow))
        for event in events:
            journal.record(event)
        await journal.close()

    asyncio.run(run())


def started(at: float = 1000.0, run_id: str = "r1", *, resumed: bool = False) -> RunStarted:
    """The first event of a life."""
    return RunStarted(at, run_id, "review", "review.yaml", "sha256:1", {"n": 1}, {}, resumed=resumed)


def intended(address: str = "ask", turn: int = 0, attempt: int = 0, at: float = 1001.0) -> CallIntended:
    """A call that is about to be sent."""
    return CallIntended(at, address, turn, attempt, "openai/gpt-5-mini", "auto", "f1", Money(900), 70)


def finished(
    address: str = "ask", turn: int = 0, attempt: int = 0, at: float = 1002.0, **changes: object
) -> CallFinished:
    """The reply to it, which cost 300 nano-dollars."""
    event = CallFinished(
        *(at, address, turn, attempt, _MODEL, "auto", "f1", _REPLY, 0.5),
        cost=Money(300),
        price_entry="openai/gpt-5-mini@2025-08-07",
        reserved=Money(900),
    )
    return replace(event, **changes)  # type: ignore[arg-type]


def failed(address: str = "ask", turn: int = 0, attempt: int = 0, at: float = 1002.0, **changes: object) -> CallFailed:
    """The same where no reply came."""
    event = CallFailed(at, address, turn, attempt, _MODEL, "timeout", "no answer", 2.0)
    return replace(event, **changes)  # type: ignore[arg-type]
