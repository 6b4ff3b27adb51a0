"""What a thinking model of an OpenAI-compatible server thought goes back to it with its calls, both ways."""

from __future__ import annotations

import asyncio
import json

import pytest

from nano_flow.core.messages import ChatReply, ChatRequest, Message, ToolSpec
from nano_flow.core.refs import ModelRef
from nano_flow.plan.catalogue import ModelCard
from tests.providers.odd import GOOD, call, chunk, message
from tests.providers.replay import STREAMING, Reply, provider, serving, sse

REF = ModelRef("openai", "m")
ASK = ChatRequest(REF, (Message("user", "hello"),), (ToolSpec("get", "", {}),), timeout_s=20.0)
WHOLE = message("tool_calls", content=None, reasoning_content="Hm, I get it.", tool_calls=[call()])
PIECES = sse(
    chunk({"role": "assistant", "reasoning_content": "Hm, "}),
    chunk({"reasoning_content": "I get it."}),
    chunk({"tool_calls": [{"index": 0, **call()}]}),
    chunk({}, "tool_calls"),
)


@pytest.mark.parametrize("streamed", [False, True])
def test_reasoning_is_given_back(streamed: bool) -> None:
    async def run() -> tuple[ChatReply, list[dict[str, object]]]:
        first = Reply(PIECES, content_type="text/event-stream") if streamed else Reply(WHOLE)
        async with serving(first, Reply(GOOD)) as server:
            made = provider("openai", server.url, m=ModelCard(REF, can=STREAMING if streamed else frozenset({"tools"})))
            reply = await made.complete(ASK)
            talk = (
                *ASK.messages,
                Message("assistant", reply.text, reply.tool_calls, provider_data=reply.provider_data),
                Message("tool", "got", tool_call_id=reply.tool_calls[0].id),
            )
            await made.complete(ChatRequest(REF, talk, ASK.tools, timeout_s=20.0))
            await made.close()
            return reply, json.loads(server.bodies[-1])["messages"]

    reply, sent = asyncio.run(run())
    assert reply.provider_data == {"provider": "openai", "reasoning_content": "Hm, I get it."}
    assert sent[1]["reasoning_content"] == "Hm, I get it."
