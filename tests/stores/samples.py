"""Events for tests: any event at all, and the short story of one paid call."""

from __future__ import annotations

import asyncio
import typing
from dataclasses import fields, replace

from hypothesis import strategies as st

from nano_flow.core import events as event_types
from nano_flow.core.events import CallFailed, CallFinished, CallIntended, Event, RunStarted
from nano_flow.core.messages import ChatReply, ToolCall, Usage
from nano_flow.core.money import Money
from nano_flow.core.outcomes import Failure, ItemFailure
from nano_flow.core.shown.event_json import EVENT_KINDS
from nano_flow.ports import RunRecord
from nano_flow.stores.sqlite.store import SqliteStore

TEXT = st.text(st.characters(exclude_categories=()), max_size=12)
"""Any text at all: NUL, control characters, halves of surrogate pairs."""

COUNTS = st.integers(0, 2**62)
NUMBERS = st.floats(allow_nan=False, width=32)
TIMES = st.floats(allow_nan=False, allow_infinity=False, width=32)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, st.booleans(), COUNTS, COUNTS, COUNTS)
FAILURES = st.builds(Failure, TEXT, TEXT)
REPLIES = st.builds(
    ChatReply,
    TEXT,
    st.sampled_from(["stop", "tool_calls", "length", "content_filter", "incomplete"]),
    USAGES,
    st.lists(st.builds(ToolCall, TEXT, TEXT, TEXT), max_size=2).map(tuple),
    TEXT,
    st.booleans(),
    st.none() | st.dictionaries(TEXT, JSON, max_size=2),
)
_BY_ANNOTATION: dict[str, st.SearchStrategy[object]] = {
    "float": TIMES,
    "int": COUNTS,
    "Money": COUNTS,
    "str": TEXT,
    "bool": st.booleans(),
    "Json": JSON,
    "Mapping[str, Json]": st.dictionaries(TEXT, JSON, max_size=3),
    "tuple[str, ...]": st.lists(TEXT, max_size=3).map(tuple),
    "tuple[ItemFailure, ...]": st.lists(st.builds(ItemFailure, COUNTS, JSON, FAILURES), max_size=2).map(tuple),
    "Usage": USAGES,
    "ChatReply": REPLIES,
}


def _of(annotation: str) -> st.SearchStrategy[object]:
    inner = annotation.removesuffix(" | None")
    strategy = _BY_ANNOTATION.get(inner)
    if strategy is None:
        strategy = st.sampled_from(typing.get_args(eval(inner, vars(event_types) | {"Literal": typing.Literal})))
    return strategy if inner == annotation else st.none() | strategy


def _builder(cls: type[Event]) -> st.SearchStrategy[Event]:
    return st.fixed_dictionaries({field.name: _of(str(field.type)) for field in fields(cls)}).map(
        lambda values: cls(**values)
    )


EVENTS: st.SearchStrategy[Event] = st.one_of([_builder(cls) for cls in EVENT_KINDS.values()])
"""Any event that the engine could tell."""


def run_record(run_id: str = "r1", at: float = 1000.0, *, simulated: bool = False) -> RunRecord:
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


def write_life(store: SqliteStore, run_id: str, *events: Event, at: float = 1000.0, workflow: str = "review") -> None:
    """One whole life of a new run."""

    async def run() -> None:
        journal = store.create_run(replace(run_record(run_id, at), workflow=workflow))
        for event in events:
            journal.record(event)
        await journal.close()

    asyncio.run(run())


def started(at: float = 1000.0, run_id: str = "r1", *, resumed: bool = False) -> RunStarted:
    return RunStarted(at, run_id, "review", "review.yaml", "sha256:1", {"n": 1}, {}, resumed=resumed)


def intended(address: str = "ask", turn: int = 0, attempt: int = 0, at: float = 1001.0) -> CallIntended:
    return CallIntended(at, address, turn, attempt, "openai/gpt-5-mini", "auto", "f1", Money(900), 70)


def finished(
    address: str = "ask", turn: int = 0, attempt: int = 0, at: float = 1002.0, **changes: typing.Any
) -> CallFinished:
    values: dict[str, typing.Any] = {
        "reply": ChatReply("fine", "stop", Usage(input_tokens=10, output_tokens=5)),
        "duration_s": 0.5,
        "cost": Money(300),
        "price_entry": "openai/gpt-5-mini@2025-08-07",
        "reserved": Money(900),
    }
    return CallFinished(at, address, turn, attempt, "openai/gpt-5-mini", "auto", "f1", **(values | changes))


def failed(
    address: str = "ask", turn: int = 0, attempt: int = 0, at: float = 1002.0, **changes: typing.Any
) -> CallFailed:
    values: dict[str, typing.Any] = {"error": "timeout", "message": "no answer", "duration_s": 2.0}
    return CallFailed(at, address, turn, attempt, "openai/gpt-5-mini", **(values | changes))
