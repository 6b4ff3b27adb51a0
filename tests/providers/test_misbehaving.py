"""Servers that misbehave: each kind ends in a typed failure that says what happened, or in the reply that was there."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest

from nano_flow.core import errors
from nano_flow.core.messages import ChatRequest, Message, Usage
from nano_flow.core.refs import ModelRef
from tests.providers import replay
from tests.providers.odd import (
    GOOD,
    REPLIES,
    STREAM,
    TOOLS,
    call,
    calls,
    chunk,
    events,
    failure,
    message,
    run,
    with_usage,
)
from tests.providers.replay import Reply, ask, provider, serving, sse


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "huggingface"])
@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"", "application/json", "is empty"),
        (b"<html><script>no</script><h1>Sign in</h1></html>", "text/html", "is a web page, .* 'Sign in'"),
        (b"null", "application/json", "begins with 'null'"),
        (b'{"a":' * 5000, "application/json", "begins with"),
    ],
)
def test_what_is_no_reply_is_told_by_its_beginning(
    name: str, body: bytes, kind: str, said: str, streamed: bool
) -> None:
    error = failure(Reply(body, content_type=kind), name, [] if streamed else None)
    assert isinstance(error, errors.ServerFailed) and error.maybe_billed
    assert pytest.raises(AssertionError, match=said).matches(AssertionError(str(error)))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (GOOD[:-30], 'is not valid JSON; it begins with \'{"id"'),
        (GOOD.replace(b"hi", b"\xff"), "is not valid UTF-8"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "is nested too deeply"),
    ],
)
def test_why_a_reply_cannot_be_read(body: bytes, said: str) -> None:
    assert said in str(failure(Reply(body)))


@pytest.mark.parametrize("name", ["openai", "azure", "anthropic", "gemini", "bedrock", "ollama_chat", "cohere"])
@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_is_not_followed(name: str, status: int) -> None:
    async def redirected() -> tuple[errors.ProviderError, int]:
        plain = ChatRequest(ModelRef(name, "m"), (Message("user", "hello"),), timeout_s=20.0)
        async with serving(Reply(b"{}")) as other:
            with pytest.raises(errors.ModelUnknown) as caught:
                await ask(name, plain, Reply(b"", status, headers={"location": f"{other.url}/elsewhere"}))
            return caught.value, len(other.bodies)

    error, asked = asyncio.run(redirected())
    assert asked == 0
    assert "elsewhere, which is not followed: check the base_url" in str(error)


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "cohere"])
@pytest.mark.parametrize("reply", [Reply(b"", reset=True), Reply(b"", raw=b""), Reply(b"", raw=b"SSH-2.0-x\r\n")])
def test_a_request_that_may_have_been_paid_is_not_sent_again_by_anybody_below(name: str, reply: Reply) -> None:
    async def once() -> tuple[errors.ProviderError, int]:
        async with serving(reply) as server:
            made = provider(name, server.url)
            with pytest.raises(errors.ConnectionLost) as caught:
                await made.complete(ChatRequest(ModelRef(name, "m"), (Message("user", "hello"),), timeout_s=20.0))
            await made.close()
            return caught.value, len(server.bodies)

    error, asked = asyncio.run(once())
    assert (error.maybe_billed, asked) == (True, 1)
    assert any(word in str(error) for word in ("reset by peer", "before it had answered", "does not speak proper HTTP"))


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    "reply",
    [
        Reply(GOOD.replace(b"hi", b"x" * 6_000_000)),
        Reply(gzip.compress(GOOD.replace(b"hi", b"x" * 60_000_000)), headers={"content-encoding": "gzip"}),
        events(b"data: {}\n\n" * 100_000),
        events(b": ping\n" * 100_000),
        events(sse(*[chunk({"content": "word "})] * 6_000)),
    ],
)
def test_a_reply_without_end_is_stopped(reply: Reply, streamed: bool) -> None:
    error = failure(reply, heard=[] if streamed else None)
    assert error.maybe_billed
    assert any(said in str(error) for said in ("output cap", "begins with", "repeating")), str(error)


def test_a_packed_reply_is_read_and_one_that_is_not_packed_as_it_says_is_told() -> None:
    packed = {"content-encoding": "gzip"}
    assert run(Reply(gzip.compress(GOOD), headers=packed)).text == "hi"
    assert "not packed the way its header says" in str(failure(Reply(GOOD, headers=packed)))


def test_a_huge_error_page_is_cut_and_shown_without_markup() -> None:
    page = b"<html><body><p>blocked</p>" + b"<p>x</p>" * 500_000
    error = failure(Reply(page, 500, "text/html"))
    assert isinstance(error, errors.ServerFailed)
    assert str(error).startswith("blocked x x") and len(str(error)) < 700
    assert "status 500 and said nothing more" in str(failure(Reply(b"", 500), "anthropic"))


@pytest.mark.parametrize(
    ("name", "field", "word", "wanted"),
    [
        ("openai", None, None, "stop"),
        ("openai", None, "abort", errors.ConnectionLost),
        ("anthropic", "stop_reason", None, "stop"),
        ("anthropic", "stop_reason", "pause_turn", errors.ConnectionLost),
        ("anthropic", "stop_reason", "model_context_window_exceeded", "length"),
        ("ollama_chat", "done", False, errors.ConnectionLost),
        ("cohere", "finish_reason", "ERROR", errors.ConnectionLost),
        ("cohere", "finish_reason", "MAX_TOKENS", "length"),
        ("cohere", "finish_reason", "SOMETHING_NEW", "stop"),
    ],
)
def test_the_providers_own_word_for_the_end_counts(name: str, field: str | None, word: Any, wanted: Any) -> None:
    body = {**REPLIES[name], field: word} if field else json.loads(message(word))
    if field == "done":
        body.pop("done_reason")
    if isinstance(wanted, str):
        assert run(Reply(json.dumps(body).encode()), name).finish_reason == wanted
    else:
        error = failure(Reply(json.dumps(body).encode()), name)
        assert isinstance(error, wanted) and error.usage == Usage(7, 0, 0, 3)


@pytest.mark.parametrize(("reason", "wanted"), [("RECITATION", "content_filter"), ("MAX_TOKENS", "length")])
def test_geminis_words_with_and_without_parts(reason: str, wanted: str) -> None:
    candidate = {"content": {"role": "model"}, "finishReason": reason, "index": 0}
    body = json.dumps({**REPLIES["gemini"], "candidates": [candidate]}).encode()
    assert run(Reply(body), "gemini").finish_reason == wanted
    error = failure(Reply(body.replace(reason.encode(), b"MALFORMED_FUNCTION_CALL")), "gemini")
    assert "its provider says 'MALFORMED_FUNCTION_CALL'" in str(error)


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": -7},
        {"completion_tokens": 2.5},
        {"prompt_tokens": 10**30},
        {"prompt_tokens_details": {"cached_tokens": 100}},
    ],
)
def test_a_usage_that_cannot_be_true_is_none(usage: dict[str, Any]) -> None:
    reply = run(Reply(with_usage(**usage)))
    assert (reply.text, reply.usage.measured) == ("hi", False)


def test_reasoning_beyond_the_completion_is_an_estimate_and_the_totals_are_what_is_booked() -> None:
    reply = run(Reply(with_usage(completion_tokens_details={"reasoning_tokens": 100})))
    assert reply.usage == Usage(7, 0, 0, 3)


def test_cached_tokens_are_found_wherever_they_stand() -> None:
    for name in ("prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens"):
        assert run(Reply(with_usage(**{name: 5}))).usage == Usage(2, 5, 0, 3)


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_an_unknown_word_without_a_text_is_a_refusal(name: str) -> None:
    body: dict[str, Any] = json.loads(message("blocked_somehow", content=None))
    if name == "anthropic":
        body = {**REPLIES[name], "content": [], "stop_reason": "blocked_somehow"}
    assert run(Reply(json.dumps(body).encode()), name).finish_reason == "content_filter"


def test_reasoning_that_is_counted_beside_the_completion_is_known_by_the_total() -> None:
    reply = run(Reply(with_usage(total_tokens=30, completion_tokens_details={"reasoning_tokens": 20})))
    assert reply.usage == Usage(7, 0, 0, 3, 20)


def test_ollama_that_reports_nothing_is_not_counted_for() -> None:
    body = {name: value for name, value in REPLIES["ollama_chat"].items() if not name.endswith("eval_count")}
    assert not run(Reply(json.dumps(body).encode()), "ollama_chat").usage.measured


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (calls(call("a"), call("a")), [("a", "get", '{"x":1}'), ("a_1", "get", '{"x":1}')]),
        (
            calls(call("", arguments={"x": 1}), call("")),
            [("call_0_0", "get", '{"x": 1}'), ("call_0_1", "get", '{"x":1}')],
        ),
        (calls(call(arguments="")), [("c1", "get", "{}")]),
        (calls(call(arguments="NaN")), [("c1", "get", "NaN")]),
        (calls(call(), call("c2", name="")), [("c1", "get", '{"x":1}')]),
    ],
)
def test_odd_calls(body: bytes, wanted: list[tuple[str, str, str]]) -> None:
    reply = run(Reply(body), tools=TOOLS)
    assert [(c.id, c.name, c.arguments) for c in reply.tool_calls] == wanted


def test_calls_that_are_announced_and_missing_are_no_answer() -> None:
    error = failure(Reply(message("tool_calls")), tools=TOOLS)
    assert "announces calls of tools and holds none" in str(error)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {
                "content": [
                    {"type": "thinking", "thinking": "hm"},
                    {"type": "text", "text": "an"},
                    {"type": "text", "text": "swer"},
                ]
            },
            "answer",
        ),
        ({"annotations": [{"type": "brand_new"}], "audio": None, "reasoning_details": [1]}, "hi"),
        ({"content": "\ud83d\ude00 \ud800"}, "\U0001f600 \ufffd"),
    ],
)
def test_what_litellm_does_not_take_is_read_all_the_same(fields: dict[str, Any], text: str) -> None:
    assert run(Reply(message(**fields))).text == text


def test_a_whole_reply_where_a_stream_was_asked_for() -> None:
    heard: list[str] = []
    assert run(Reply(GOOD), heard=heard).text == "hi"
    assert heard == ["hi"]


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({"message": "no capacity left", "code": 503}, errors.Overloaded),
        ({"message": "slow down", "code": 429}, errors.RateLimited),
        ("the runner has stopped", errors.ServerFailed),
    ],
)
@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "bedrock", "cohere"])
def test_an_error_inside_a_reply_of_status_200(name: str, told: Any, wanted: type[errors.ProviderError]) -> None:
    error = failure(Reply(json.dumps({"error": told}).encode()), name)
    assert type(error) is wanted
    assert str(error) == (told if isinstance(told, str) else told["message"])


def test_a_stream_that_nobody_asked_for() -> None:
    reply = run(Reply(STREAM, content_type="text/event-stream"))
    assert (reply.text, reply.finish_reason, reply.usage) == ("Hello", "stop", Usage(7, 0, 0, 3))
    cut = failure(Reply(STREAM[: STREAM.index(b"finish_reason", 300)], content_type="text/event-stream"))
    assert isinstance(cut, errors.Retryable) and cut.maybe_billed


QUOTA = {
    "insufficient_quota": (
        429,
        {"error": {"message": "You exceeded your current quota.", "code": "insufficient_quota"}},
    ),
    "usage": (429, {"error": {"message": "The usage limit has been reached", "type": "usage_limit_reached"}}),
    "spend": (429, {"error": {"message": "No more.", "type": "requests", "code": "organization_spend_limit_exceeded"}}),
    "monthly": (429, {"error": {"type": "rate_limit_error", "message": "It would exceed your monthly spend limit."}}),
    "credit": (400, {"error": {"type": "invalid_request_error", "message": "Your credit balance is too low."}}),
    "user": (403, {"error": {"message": "User's credit limit is insufficient", "code": "insufficient_user_quota"}}),
    "payment": (402, {"error": {"message": "Add funds."}}),
}


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini"])
@pytest.mark.parametrize("kind", QUOTA)
def test_an_empty_account_is_no_rate_limit_and_no_bad_request(name: str, kind: str) -> None:
    status, body = QUOTA[kind]
    error = failure(Reply(json.dumps(body).encode(), status), name)
    assert type(error) is errors.QuotaUsed and not error.maybe_billed


@pytest.mark.parametrize("name", ["openai", "anthropic"])
@pytest.mark.parametrize(
    ("status", "body", "wanted"),
    [
        (429, {"message": "Rate limit reached for requests", "code": "rate_limit_exceeded"}, errors.RateLimited),
        (400, {"message": "No.", "code": "context_length_exceeded"}, errors.ContextTooLong),
        (400, {"message": "No.", "code": "content_filter"}, errors.ContentRefused),
        (400, {"message": "No.", "code": "model_not_found"}, errors.ModelUnknown),
        (500, {"message": "No.", "type": "overloaded_error"}, errors.Overloaded),
    ],
)
def test_the_code_of_a_body_tells_its_class(
    name: str, status: int, body: object, wanted: type[errors.ProviderError]
) -> None:
    assert type(failure(Reply(json.dumps({"error": body}).encode(), status), name)) is wanted


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"error": "model 'm' not found"}, errors.ModelUnknown),
        ({"error": {"message": "slow", "code": "rate_limit_exceeded"}}, errors.RateLimited),
        (
            {"object": "error", "message": "too many requests", "code": 429},
            errors.RateLimited,
        ),
        ({"code": 503, "message": "down"}, errors.Overloaded),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_an_error_in_the_place_of_a_reply_has_the_class_of_its_words(
    body: dict[str, Any], wanted: type[errors.ProviderError], streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "WAY", "direct")
    answer = events(sse(chunk({"content": "Hel"}), body, done=False)) if streamed else Reply(json.dumps(body).encode())
    assert isinstance(failure(answer, heard=[] if streamed else None), wanted)


def test_the_older_form_of_a_call_and_arguments_that_are_data_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "WAY", "direct")
    older = {"name": "get", "arguments": '{"x": 1}'}
    whole = run(Reply(message("function_call", content=None, function_call=older)), tools=TOOLS)
    pieces = sse(chunk({"function_call": older}), chunk({}, "function_call"))
    data = sse(chunk({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "get", "arguments": {"x": 1}}}]}),
               chunk({}, "tool_calls"))  # fmt: skip
    streams = [run(events(body), heard=[], tools=TOOLS) for body in (pieces, data)]
    assert [json.loads(reply.tool_calls[0].arguments) for reply in (whole, *streams)] == [{"x": 1}] * 3


def test_whole_numbers_may_be_written_with_a_point_and_a_last_report_of_zeros_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replay, "WAY", "direct")
    last = chunk({}, choices=[], usage={"prompt_tokens": 0, "completion_tokens": 0})
    said = chunk({"content": "hi"}, "stop", usage={"prompt_tokens": 7.0, "completion_tokens": 3.0})
    usage = run(events(sse(said, last)), heard=[]).usage
    assert (usage.input_tokens, usage.output_tokens, usage.measured) == (7, 3, True)
