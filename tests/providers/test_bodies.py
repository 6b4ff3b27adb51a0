"""One behaviour: the same request, through LiteLLM and directly, is the same body at the same place, field by field.

What differs on purpose is listed here, and in a table of docs/providers.md.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from nano_flow.core.errors import ProviderError
from nano_flow.core.messages import Attachment, ChatRequest, Json, Message, ToolCall, ToolSpec
from nano_flow.core.refs import ModelRef
from nano_flow.plan.catalogue import ModelCard
from tests.providers import replay
from tests.providers.replay import Reply, provider, serving

REFUSAL = Reply(b'{"error": {"message": "no"}}', status=400)
SERVICES = {
    "openai": ("gpt-5-mini", "gpt-4o"),
    "azure": ("gpt-4o",),
    "anthropic": ("claude-haiku-4-5", "claude-opus-5", "claude-3-5-haiku-20241022"),
    "gemini": ("gemini-2.5-flash", "gemini-3.1-pro-preview"),
}
REFUSED = {
    "gpt-5-mini": {"temperature", "top_p", "stop"},
    "claude-haiku-4-5": {"seed", "verbosity"},
    "claude-opus-5": {"seed", "verbosity", "temperature", "top_p"},
    "claude-3-5-haiku-20241022": {"seed", "verbosity", "reasoning_effort"},
    "gemini-2.5-flash": {"verbosity"},
    "gemini-3.1-pro-preview": {"verbosity"},
}
SHAPES: tuple[dict[str, Json], ...] = (
    {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False},
    {
        "type": "object",
        "properties": {
            "kind": {"type": "string", "enum": ["x", "y"], "description": "Which."},
            "many": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "number"}}}},
        },
        "required": ["kind"],
        "additionalProperties": False,
    },
)
words = st.text("abc \nüß€😀\"\\'{}", min_size=1, max_size=12)
tools = st.lists(
    st.builds(ToolSpec, st.sampled_from(["search", "tracker.find", "x" * 70]), words, st.sampled_from(SHAPES)),
    max_size=2,
    unique_by=lambda tool: tool.name,
).map(tuple)
params = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.sampled_from([0.0, 0.5]),
        "top_p": st.just(0.9),
        "seed": st.just(7),
        "stop": st.just(["END"]),
        "reasoning_effort": st.sampled_from(["low", "medium", "high"]),
        "tool_choice": st.sampled_from(["auto", "none", "required", "search"]),
    },
)
image = st.just((Attachment("a.png", "image/png", "aGVsbG8="), Attachment("b.txt", "text/plain", "in it")))


@st.composite
def talks(draw: st.DrawFn) -> tuple[Message, ...]:
    """A conversation: a system prompt or none, then turns, with calls of tools and their results."""
    said = [Message("system", draw(words))] if draw(st.booleans()) else []
    said.append(Message("user", draw(words), attachments=draw(st.just(()) | image)))
    for turn in range(draw(st.integers(0, 2))):
        calls = tuple(ToolCall(f"call_{turn}_{n}", "search", '{"a": "b"}') for n in range(draw(st.integers(0, 2))))
        said.append(Message("assistant", draw(words) if not calls else draw(st.just("") | words), calls))
        said += [Message("tool", draw(words), tool_call_id=call.id) for call in calls]
        said += [] if calls else [Message("user", draw(words))]
    return tuple(said)


Case = tuple[str, ChatRequest, bool]
"""A service, a request, whether it is streamed."""


@st.composite
def requests(draw: st.DrawFn) -> Case:
    service = draw(st.sampled_from(sorted(SERVICES)))
    model = draw(st.sampled_from(SERVICES[service]))
    given_tools, schema = draw(tools), draw(st.none() | st.sampled_from(SHAPES))
    chosen = draw(params)
    talk = draw(talks())
    if schema is not None and given_tools and "3-5" in model:
        schema = None  # a row of the table in the docs
    if service == "anthropic" and not given_tools and any(message.tool_calls for message in talk):
        given_tools = (ToolSpec("search", "", {}),)  # another row
    if chosen.get("tool_choice") == "search" and not any(tool.name == "search" for tool in given_tools):
        del chosen["tool_choice"]
    request = ChatRequest(ModelRef(service, model), talk, given_tools, schema, 5000, chosen, timeout_s=20.0)
    return service, request, draw(st.booleans())


def card_of(service: str, model: str) -> ModelCard:
    return ModelCard(
        ModelRef(service, model),
        can=frozenset({"tools", "json_schema", "vision", "prompt_caching", "reasoning", "streaming"}),
        refuses=frozenset(REFUSED.get(model, set())),
        renames={"max_output_tokens": "max_completion_tokens"} if model == "gpt-5-mini" else {},
    )


async def sent(way: str, batch: list[Case]) -> list[tuple[str, dict[str, Any]]]:
    """What a server sees of every request of the batch."""
    replay.WAY = way
    seen = []
    async with serving(REFUSAL) as server:
        made = {
            (service, model): provider(service, server.url, m=card_of(service, model))
            for service, models in SERVICES.items()
            for model in models
        }
        for service, request, stream in batch:
            before = len(server.bodies)
            with suppress(ProviderError):
                await made[service, request.model.model].complete(request, (lambda text: None) if stream else None)
            assert len(server.bodies) == before + 1, (way, service, request)
            marks = sorted(MARKS.findall(server.heads[-1]))
            seen.append((f"{server.heads[-1].splitlines()[0]} {marks}", json.loads(server.bodies[-1])))
        for adapter in made.values():
            await adapter.close()
    return seen


MARKS = re.compile(r"^((?:x-api-key|api-key|authorization|x-goog-api-key|anthropic-\w+): .*)\r$", re.MULTILINE)
SNAKE = re.compile(r"_([a-z])")
ANY_NAMES = frozenset({"properties", "args", "input"})


def alike(value: Any, service: str, *, names: bool = True) -> Any:
    """Without what differs on purpose."""
    if isinstance(value, list):
        return [alike(part, service, names=names) for part in value]
    if not isinstance(value, dict):
        return value
    made = {}
    for key, part in value.items():
        ours = SNAKE.sub(lambda m: m[1].upper(), key) if service == "gemini" and names else key
        made[ours] = alike(part, service, names=names and key not in ANY_NAMES)
    if service == "gemini" and made.get("temperature") == 1.0:
        del made["temperature"]
    return made


@settings(
    max_examples=2, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(st.lists(requests(), min_size=30, max_size=30))
def test_both_ways_send_the_same(batch: list[Case]) -> None:
    pairs = zip(asyncio.run(sent("litellm", batch)), asyncio.run(sent("direct", batch)), batch, strict=True)
    for (place, body), (our_place, our_body), (service, _, _) in pairs:
        assert our_place == place
        mine, theirs = alike(our_body, service), alike(body, service)
        for field in sorted({*mine, *theirs}):
            assert (field, mine.get(field)) == (field, theirs.get(field)), (
                service,
                body.get("model", place),
            )


ASK = (Message("user", "hello"),)
CALLED = (
    *ASK,
    Message("assistant", "", (ToolCall("call_1", "search", "{}"),)),
    Message("tool", "x", tool_call_id="call_1"),
)
SEARCH = ToolSpec("search", "", {"type": "object", "properties": {"a": {"enum": ["x"]}}})
BOUNDED: dict[str, Json] = {"type": "object", "properties": {"a": {"type": "string", "minLength": 2}}}
ROWS: Mapping[str, tuple[str, ChatRequest, str]] = {
    "Claude: calls in the conversation, no tools any more": (
        "anthropic", ChatRequest(ModelRef("anthropic", "claude-opus-5"), CALLED), "tool_choice",
    ),
    "Claude before 4.5: a schema beside tools": (
        "anthropic",
        ChatRequest(ModelRef("anthropic", "claude-3-5-haiku-20241022"), ASK, (SEARCH,), BOUNDED),
        "tool_choice",
    ),
    "Claude: bounds in a schema (`minLength` …)": (
        "anthropic", ChatRequest(ModelRef("anthropic", "claude-opus-5"), ASK, (), BOUNDED), "output_format",
    ),
    "Gemini: an `enum` without a `type` in a tool": (
        "gemini", ChatRequest(ModelRef("gemini", "gemini-2.5-flash"), ASK, (SEARCH,)), "tools",
    ),
    "Gemini 3: a temperature that nobody gave": (
        "gemini", ChatRequest(ModelRef("gemini", "gemini-3.1-pro-preview"), ASK), "generationConfig",
    ),
}  # fmt: skip
"""What differs on purpose: row of the table in the docs → a request that shows it, and the field that differs."""
NO_MORE = frozenset({"Gemini 3: a temperature that nobody gave"})
"""Rows of LiteLLM's older versions, which the wheel admits, too."""
DOCS = Path(__file__).parents[2] / "docs" / "providers.md"


def test_the_table_of_the_docs_has_these_rows() -> None:
    text = DOCS.read_text("utf-8")
    begin, end = "<!-- what differs: begin -->", "<!-- what differs: end -->"
    kept = text[text.index(begin) + len(begin) : text.index(end)].strip().splitlines()[2:]
    assert [line.split(" | ")[0].removeprefix("| ") for line in kept] == list(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_holds(row: str) -> None:
    service, request, field = ROWS[row]
    batch = [(service, request, False)]
    (_, theirs), (_, mine) = (*asyncio.run(sent("litellm", batch)), *asyncio.run(sent("direct", batch)))
    told = (
        SNAKE.sub(lambda m: m[1].upper(), json.dumps(theirs.get(field))) if service == "gemini" else theirs.get(field)
    )
    ours = json.dumps(mine.get(field)) if service == "gemini" else mine.get(field)
    if row in NO_MORE and ours == told:
        pytest.skip("this LiteLLM does it in our way")
    assert ours != told
