"""Events for tests: any event at all, and the short story of one paid call."""

from __future__ import annotations

import typing
from dataclasses import fields

from hypothesis import strategies as st

from nano_flow.contracts.samples import failed, finished, intended, run_record, started, write_life
from nano_flow.core import events as event_types
from nano_flow.core.events import Event
from nano_flow.core.messages import ChatReply, ToolCall, Usage
from nano_flow.core.outcomes import Failure, ItemFailure
from nano_flow.core.shown.event_json import EVENT_KINDS

__all__ = ["failed", "finished", "intended", "run_record", "started", "write_life"]

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
