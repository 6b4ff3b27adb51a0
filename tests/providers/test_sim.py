"""The simulated provider: deterministic, marked, scriptable, faulty on demand."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from nano_flow.core import errors
from nano_flow.core.messages import ChatReply, ChatRequest, Json, Message, ToolSpec
from nano_flow.core.refs import ModelRef
from nano_flow.providers.sim import SimOptions, SimProvider
from nano_flow.providers.simulated.faults import FAULTS
from tests.providers.clock import FakeClock


def ask(text: str = "Review the parser for a missing test", size: str = "medium", **fields: object) -> ChatRequest:
    request = ChatRequest(ModelRef("sim", size), (Message("user", text),), address="review")
    return replace(request, **fields)  # type: ignore[arg-type]


def answer(request: ChatRequest, **extra: object) -> ChatReply:
    return asyncio.run(SimProvider(FakeClock(), SimOptions.read(extra)).complete(request))


def test_same_question_same_answer_and_everything_is_marked() -> None:
    one, two = answer(ask()), answer(ask())
    assert one == two
    assert one.simulated
    assert one.finish_reason == "stop"
    assert one.usage.input_tokens > 0
    assert one.usage.output_tokens > 0


@pytest.mark.parametrize("other", [ask("Something else"), ask(size="large")])
def test_another_question_or_model_gets_another_answer(other: ChatRequest) -> None:
    assert answer(other).text != answer(ask()).text


def test_another_seed_gets_another_answer() -> None:
    assert answer(ask(), seed=1).text != answer(ask(), seed=2).text


def test_another_sample_gets_another_answer_and_the_same_one_the_same() -> None:
    first, second, third = (answer(ask(sample=number)).text for number in (0, 1, 2))
    assert len({first, second, third}) == 3
    assert answer(ask(sample=1)).text == second


def test_address_and_turn_do_not_change_the_answer() -> None:
    assert answer(ask(address="other", turn=3)).text == answer(ask()).text


def test_larger_models_write_more() -> None:
    lengths = [len(answer(ask(size=size)).text) for size in ("small", "medium", "large")]
    assert lengths == sorted(lengths)
    assert len(set(lengths)) == 3


def test_the_cap_on_output_is_kept() -> None:
    reply = answer(ask(size="large", max_output_tokens=4))
    assert len(reply.text) <= 16
    assert reply.usage.output_tokens <= 4


def test_streamed_pieces_are_the_whole_text() -> None:
    pieces: list[str] = []
    reply = asyncio.run(SimProvider(FakeClock()).complete(ask(), pieces.append))
    assert "".join(pieces) == reply.text
    assert len(pieces) > 1


def test_latency_passes_on_the_clock() -> None:
    clock = FakeClock()
    provider = SimProvider(clock, SimOptions.read({"latency": {"medium": "250ms"}}))
    asyncio.run(provider.complete(ask()))
    assert clock.slept == [0.25]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("rate_limit", errors.RateLimited),
        ("overloaded", errors.Overloaded),
        ("server_error", errors.ServerFailed),
        ("timeout", errors.TimedOut),
        ("connection", errors.ConnectionLost),
        ("credentials", errors.BadCredentials),
        ("context_window", errors.ContextTooLong),
        ("model_not_found", errors.ModelUnknown),
        ("bad_request", errors.BadRequest),
        ("content_filter", errors.ContentRefused),
    ],
)
def test_each_fault_is_its_error(name: str, kind: type[errors.ProviderError]) -> None:
    with pytest.raises(kind) as caught:
        answer(ask(), script={"review": {"error": name, "retry_after": "1m30s"}})
    assert caught.value.kind == name
    if isinstance(caught.value, errors.RateLimited):
        assert caught.value.retry_after == 90


def test_a_cut_stream_shows_half_is_maybe_billed_and_keeps_its_usage() -> None:
    pieces: list[str] = []
    provider = SimProvider(FakeClock(), SimOptions.read({"script": {"review": {"error": "cut_stream"}}}))
    with pytest.raises(errors.ConnectionLost) as caught:
        asyncio.run(provider.complete(ask(), pieces.append))
    assert caught.value.maybe_billed
    assert caught.value.usage is not None
    assert 0 < len("".join(pieces)) < len(answer(ask()).text)


def test_spoiled_replies() -> None:
    def spoiled(name: str) -> ChatReply:
        return answer(ask(output_schema={"type": "object"}), script={"review": {"error": name}})

    assert spoiled("empty").text == ""
    assert spoiled("length").finish_reason == "length"
    with pytest.raises(json.JSONDecodeError):
        json.loads(spoiled("bad_json").text)


def test_an_unknown_fault_names_the_known_ones() -> None:
    with pytest.raises(errors.BadRequest, match="rate_limit"):
        answer(ask(), script={"review": {"error": "explode"}})
    assert "cut_stream" in FAULTS


def test_error_rate_draws_by_attempt_from_the_listed_faults() -> None:
    options = {"error_rate": 0.5, "faults": ["timeout", {"error": "rate_limit", "retry_after": 3}]}
    seen: set[str] = set()
    for attempt in range(40):
        try:
            answer(ask(attempt=attempt), **options)
            seen.add("")
        except errors.ProviderError as error:
            seen.add(error.kind)
    assert seen == {"", "timeout", "rate_limit"}


def test_a_prompt_beyond_the_window_is_refused() -> None:
    provider = SimProvider(FakeClock(), SimOptions(windows={"small": 10}))
    with pytest.raises(errors.ContextTooLong, match="10"):
        asyncio.run(provider.complete(ask("word " * 100, "small")))


def test_tools_are_not_called_without_a_script() -> None:
    assert answer(ask(tools=(ToolSpec("read_file", "Reads.", {}),))).tool_calls == ()


def test_output_follows_the_schema_and_an_impossible_one_says_so() -> None:
    schema: dict[str, Json] = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    assert isinstance(json.loads(answer(ask(output_schema=schema)).text)["n"], int)
    with pytest.raises(errors.BadRequest, match="script its reply"):
        answer(ask(output_schema={"type": "string", "not": {"type": "string"}}))
