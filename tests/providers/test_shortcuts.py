"""Two shortcuts past LiteLLM's slow ways: each gives exactly what the long way gives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import httpx
import openai
import pytest
from openai import AsyncStream
from openai.types.chat import ChatCompletionChunk

from nano_flow.providers.litellm import load_litellm
from nano_flow.providers.wire.call import spare_generators
from nano_flow.providers.wire.plain import read
from tests.providers.replay import sse
from tests.providers.test_litellm import chunk

NAMES = (
    *("content", "role", "tool_calls", "function_call", "reasoning_content", "thinking_blocks", "refusal", "audio"),
    *("provider_specific_fields", "annotations", "images", "usage", "choices", "model", "id", "index", "function"),
    *("name", "arguments", "finish_reason", "prompt_tokens_details", "completion_tokens_details", "logprobs"),
    *("cache_creation_input_tokens", "reasoning_tokens", "own", "none", "nothing", "model_config", "model_extra"),
)


def objects() -> list[object]:
    """What LiteLLM gives back, with members of its own, of others, and without some."""
    kinds = load_litellm().types.utils
    call = {"id": "1", "type": "function", "index": 0, "function": {"name": "f", "arguments": "{}"}}
    made: list[object] = [
        kinds.Delta(content="x", own=1, none=None),
        kinds.Delta(content=None, tool_calls=[call], reasoning_content="r", thinking_blocks=[{"type": "thinking"}]),
        kinds.Message(content="x", refusal="no", own=[1]),
        kinds.Message(content=None, tool_calls=[call]),
        kinds.Usage(prompt_tokens=1, completion_tokens=2, total_tokens=3, reasoning_tokens=1, own=5),
        kinds.Choices(),
        kinds.StreamingChoices(finish_reason="stop", own=1),
        kinds.ModelResponseStream(choices=[{"index": 0, "delta": {"content": "x"}}], own=1),
        kinds.ModelResponse(own=1),
        kinds.Function(name="f", arguments="{}"),
        kinds.ChatCompletionMessageToolCall(**call),
        ChatCompletionChunk.model_validate({**chunk({"content": "x"}), "own": 1}),
        SimpleNamespace(content="x"),
        object(),
        None,
        "text",
        [1],
    ]
    return made


@pytest.mark.parametrize("name", NAMES)
def test_a_member_is_read_as_python_reads_it(name: str) -> None:
    for holder in objects():
        assert read(holder, name) == getattr(holder, name, None), type(holder)
    assert read({"content": 1}, name) == {"content": 1}.get(name)


class Broken(httpx.AsyncByteStream):
    """Some events, and then a connection that breaks, where ``broken``."""

    def __init__(self, body: bytes, *, broken: bool) -> None:
        self._body, self._broken = body, broken
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), 7):
            yield self._body[start : start + 7]
        if self._broken:
            raise httpx.ReadError("it broke")

    async def aclose(self) -> None:
        self.closed = True


def pieces(body: bytes, *, broken: bool, spared: bool) -> tuple[list[object], str, bool]:
    """What comes of a stream that is taken piece by piece, as LiteLLM does; how it ended; whether it was closed."""

    async def main() -> tuple[list[object], str, bool]:
        sent = Broken(body, broken=broken)
        response = httpx.Response(200, stream=sent, request=httpx.Request("POST", "http://h"))
        client = openai.AsyncOpenAI(api_key="none")
        wrapper = SimpleNamespace(completion_stream=AsyncStream(cast_to=Any, response=response, client=client))
        if spared:
            spare_generators(wrapper)
        stream = cast("AsyncIterator[object]", wrapper.completion_stream)
        assert getattr(stream, "response", None) is response
        taken: list[object] = []
        ended = ""
        try:
            while not ended:
                ended = "end"
                async for piece in stream:
                    taken.append(piece)
                    ended = ""
                    break
        except Exception as error:
            ended = type(error).__name__
        await client.close()
        return taken, ended, sent.closed

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("body", "broken"),
    [
        (sse(*[chunk({"content": str(number)}) for number in range(20)], chunk({}, "stop")), False),
        (sse(chunk({"content": "x"}), done=False), False),
        (sse(chunk({"content": "x"}), done=False), True),
        (sse(chunk({"content": "x"}), {"error": {"message": "no", "code": "server_error"}}), False),
        (b"data: {no json\n\n", False),
        (b"", False),
        (b"", True),
    ],
)
def test_a_stream_iterated_on_itself_gives_the_same(body: bytes, broken: bool) -> None:
    spared = pieces(body, broken=broken, spared=True)
    assert spared == pieces(body, broken=broken, spared=False)
    assert len(spared[0]) == body.count(b"chat.completion.chunk")
