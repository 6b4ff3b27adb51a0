"""Every shipped provider through every case, on its real wire format; a table of it is kept in docs/providers.md."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from nano_flow.core import errors
from nano_flow.core.messages import ChatReply, ChatRequest, Message
from tests.wire import kit

pytestmark = pytest.mark.skipif(bool(kit.missing()), reason=kit.missing() or "installed")
DOCS = Path(__file__).parents[2] / "docs" / "providers.md"
BEGIN, END = "<!-- table of tests/wire: begin -->", "<!-- table of tests/wire: end -->"


@dataclass(frozen=True)
class Answer:
    """What a call came to."""

    reply: ChatReply | None = None
    error: errors.ProviderError | None = None
    heard: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def server() -> Iterator[kit.WireServer]:
    running = kit.WireServer.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


class Wire:
    """Calls to one provider at the server."""

    def __init__(self, url: str, folder: Path, provider: str, *, direct: bool = True) -> None:
        self.url, self.folder, self.provider, self.direct = url, folder, provider, direct

    def ask(self, text: str, *, stream: bool = False, timeout_s: float = 20.0, **fields: object) -> Answer:
        return self.send(replace(kit.request(self.provider, text, **fields), timeout_s=timeout_s), stream=stream)

    def send(self, request: ChatRequest, *, stream: bool = False) -> Answer:
        heard: list[str] = []

        async def call() -> Answer:
            table = kit.providers(self.url, self.folder, direct=self.direct)
            try:
                reply = await table.get(self.provider).complete(request, heard.append if stream else None)
            except errors.ProviderError as error:
                return Answer(error=error, heard=tuple(heard))
            finally:
                await table.close()
            return Answer(reply, heard=tuple(heard))

        return asyncio.run(call())


def whole(answer: Answer) -> ChatReply:
    assert answer.error is None, answer.error
    assert answer.reply is not None
    return answer.reply


def failed(answer: Answer, kind: type[errors.ProviderError]) -> errors.ProviderError:
    assert isinstance(answer.error, kind), answer
    assert "CANARY" not in str(answer.error)
    return answer.error


def chat(wire: Wire) -> None:
    reply = whole(wire.ask("say hello"))
    assert reply.text == "Hello there, this is a reply in several words."
    assert reply.finish_reason == "stop"


def streamed(wire: Wire) -> None:
    answer = wire.ask("say hello", stream=True)
    assert whole(answer).text == "".join(answer.heard) == "Hello there, this is a reply in several words."


def one_tool(wire: Wire, *, stream: bool = False) -> None:
    reply = whole(wire.ask("one tool", tools=kit.TOOLS, stream=stream))
    assert [(call.name, json.loads(call.arguments)) for call in reply.tool_calls] == [
        ("get_weather", {"city": "Paris"})
    ]
    assert reply.finish_reason == "tool_calls"


def one_tool_streamed(wire: Wire) -> None:
    one_tool(wire, stream=True)


def two_tools(wire: Wire) -> None:
    reply = whole(wire.ask("two tools", tools=kit.TOOLS))
    assert [call.name for call in reply.tool_calls] == ["get_weather", "get_time"]
    assert len({call.id for call in reply.tool_calls}) == 2


def tool_loop(wire: Wire) -> None:
    request = kit.request(wire.provider, "one tool", tools=kit.TOOLS)
    first = whole(wire.send(request))
    talk = (
        *request.messages,
        Message("assistant", first.text, first.tool_calls, provider_data=first.provider_data),
        Message("tool", "21 degrees", tool_call_id=first.tool_calls[0].id),
    )
    assert whole(wire.send(replace(request, messages=talk))).text == "It is 21 degrees in Paris."


def structured(wire: Wire) -> None:
    reply = whole(wire.ask("as data", output_schema=kit.SCHEMA))
    assert json.loads(reply.text) == {"city": "Paris", "degrees": 21}


def rate_limit(wire: Wire) -> None:
    error = failed(wire.ask("please be limited"), errors.RateLimited)
    assert isinstance(error, errors.RateLimited)
    assert error.retry_after == 7.0


def server_error(wire: Wire) -> None:
    failed(wire.ask("please fail"), errors.ServerFailed)


def overloaded(wire: Wire) -> None:
    failed(wire.ask("please be overloaded"), errors.Overloaded)


def bad_key(wire: Wire) -> None:
    failed(wire.ask("please refuse the key"), errors.BadCredentials)


def no_model(wire: Wire) -> None:
    failed(wire.ask("please know no model"), errors.ModelUnknown)


def too_long(wire: Wire) -> None:
    failed(wire.ask("please overflow"), errors.ContextTooLong)


def timeout(wire: Wire) -> None:
    assert failed(wire.ask("please hang", timeout_s=0.5), errors.TimedOut).maybe_billed


def timeout_streamed(wire: Wire) -> None:
    assert failed(wire.ask("please hang", timeout_s=0.5, stream=True), errors.TimedOut).maybe_billed


def malformed(wire: Wire) -> None:
    error = failed(wire.ask("please garble"), errors.Retryable)
    assert error.maybe_billed


def ends_early(wire: Wire) -> None:
    error = failed(wire.ask("say hello, end early", stream=True), errors.Retryable)
    assert error.maybe_billed


def breaks_off(wire: Wire) -> None:
    error = failed(wire.ask("say hello, break off", stream=True), errors.Retryable)
    assert error.maybe_billed


def at_the_cap(wire: Wire) -> None:
    assert whole(wire.ask("too long an answer")).finish_reason == "length"


CASES: dict[str, Callable[[Wire], None]] = {
    "chat": chat,
    "stream": streamed,
    "one tool": one_tool,
    "one tool, streamed": one_tool_streamed,
    "two tools": two_tools,
    "tool loop": tool_loop,
    "structured": structured,
    "429, Retry-After": rate_limit,
    "500": server_error,
    "529": overloaded,
    "401": bad_key,
    "unknown model": no_model,
    "context overflow": too_long,
    "timeout": timeout,
    "timeout, streamed": timeout_streamed,
    "malformed body": malformed,
    "stream ends early": ends_early,
    "stream breaks off": breaks_off,
    "length limit": at_the_cap,
}
NOTES = {
    ("cohere", "stream"): "yes ¹",
    ("cohere", "one tool, streamed"): "yes ¹",
    ("cohere", "stream ends early"): "– ¹",
    ("cohere", "stream breaks off"): "yes ¹",
    ("cohere", "structured"): "yes ²",
    ("bedrock", "structured"): "yes",
    ("huggingface", "structured"): "yes ²",
    ("ollama", "length limit"): "– ³",
    ("cohere", "length limit"): "– ³",
}
"""Where a provider or LiteLLM cannot do it by itself; the footnotes stand in the docs."""


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("provider", kit.MODELS)
def test_every_provider_in_every_case(provider: str, case: str, server: kit.WireServer, folder: Path) -> None:
    if kit.missing_for(provider):
        pytest.skip(kit.missing_for(provider))
    if NOTES.get((provider, case), "").startswith("–"):
        pytest.skip("stated in docs/providers.md")
    CASES[case](Wire(server.url, folder, provider))


DIRECT = [name for name, card in kit.catalogue().providers.items() if card.api]
"""Shipped providers that are called directly."""


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("provider", DIRECT)
def test_the_other_way_comes_to_the_same(provider: str, case: str, server: kit.WireServer, folder: Path) -> None:
    if kit.missing_for(provider):
        pytest.skip(kit.missing_for(provider))
    CASES[case](Wire(server.url, folder, provider, direct=False))


def table() -> str:
    """Provider × case, as the tests above have it."""
    lines = ["| case | " + " | ".join(kit.MODELS) + " |", "| --- |" + " --- |" * len(kit.MODELS)]
    for case in CASES:
        lines.append(f"| {case} | " + " | ".join(NOTES.get((name, case), "yes") for name in kit.MODELS) + " |")
    return "\n".join(lines)


def test_the_table_in_the_docs_is_this_one() -> None:
    sys.stdout.write(f"\n{table()}\n")
    text = DOCS.read_text("utf-8")
    kept = text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip()
    assert kept == table()
