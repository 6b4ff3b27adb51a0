"""Serves model calls by LiteLLM: its translations are used, its retries, prices, caches and reports are not."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, cast

from nano_flow.core.errors import ConnectionLost, ProviderError, TimedOut
from nano_flow.core.messages import ChatReply, ChatRequest
from nano_flow.core.redact import Redactor
from nano_flow.ports import Clock
from nano_flow.providers.cards import Endpoint
from nano_flow.providers.errors import translate
from nano_flow.providers.vendor import describe, without_keys
from nano_flow.providers.wire.arguments import Prepared, prepare
from nano_flow.providers.wire.ending import Ending
from nano_flow.providers.wire.reply import finished, read, read_usage, sequence, whole
from nano_flow.providers.wire.stream import Collector

if TYPE_CHECKING:
    from types import ModuleType

_FIXED: dict[str, object] = {
    "drop_params": False,
    "caching": False,
    "no-log": True,
}
"""What every call says: the engine retries, counts and keeps; LiteLLM does not."""


_STAY_HERE = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_MODE": "PRODUCTION",
}
"""Else LiteLLM downloads a map of prices and a list of headers, and reads a .env file that it happens to find."""


_NEVER_STREAMED = frozenset({"cohere", "cohere_chat"})
"""LiteLLM ids whose streams LiteLLM cannot read; their text is shown when it is whole."""
_LONGEST_S = 600.0
"""How long a call may take where nobody says."""


def load_litellm() -> ModuleType:
    """Import LiteLLM with everything off that it does beside a call; costly, so only when a call is made."""
    os.environ.update(_STAY_HERE)
    warnings.filterwarnings("ignore", module=r"litellm|pydantic")  # about its own code: nobody here can act on them
    logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)
    import litellm

    litellm.disable_hf_tokenizer_download = True  # else a Llama 3 name stalls for 24 s without a network
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = False
    litellm.modify_params = False
    litellm.callbacks = []
    litellm.success_callback = []
    litellm.failure_callback = []
    return litellm


class LiteLLMProvider:
    """One provider behind LiteLLM."""

    def __init__(self, endpoint: Endpoint, clock: Clock) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._redactor = Redactor(endpoint.keys.values())
        self._litellm = load_litellm()

    async def complete(self, request: ChatRequest, on_text: Callable[[str], None] | None = None) -> ChatReply:
        """Answer one request; streams where ``on_text`` is given."""
        if on_text is not None and self._endpoint.litellm in _NEVER_STREAMED:
            reply = await self.complete(request)
            on_text(reply.text)
            return reply
        prepared = prepare(request, self._endpoint, stream=on_text is not None)
        limit = request.timeout_s
        network_limit = _LONGEST_S if limit is None else limit + 1  # ours comes first: Gemini's streams ignore theirs
        try:
            async with self._clock.timeout(limit):
                response: object = await self._litellm.acompletion(
                    **prepared.arguments, **_FIXED, timeout=network_limit
                )
                if on_text is not None:
                    return await self._streamed(cast("AsyncIterator[object]", response), request, prepared, on_text)
                return finished(whole(response), request, prepared, self._endpoint.name)
        except TimeoutError:
            raise TimedOut(f"{request.model} did not answer within {limit or network_limit:g} s") from None
        except ProviderError:
            raise
        except Exception as error:  # the edge: whatever LiteLLM and the vendors' packages raise is read by one table
            raise self._translated(error) from None

    async def _streamed(
        self, stream: AsyncIterator[object], request: ChatRequest, prepared: Prepared, on_text: Callable[[str], None]
    ) -> ChatReply:
        collector, ending = Collector(on_text), Ending(stream)
        try:
            await ending.watch()
            async for chunk in stream:
                collector.take(chunk)
        except Exception as error:  # the edge: a stream that broke may have been billed, and may have said for what
            raise self._broken(error, collector, stream) from None
        collector.usage = _reported_usage(stream)
        return finished(collector.raw(ending.announced()), request, prepared, self._endpoint.name)

    def _broken(self, error: Exception, collector: Collector, stream: object) -> ProviderError:
        translated = self._translated(error)
        if collector.begun:
            translated = ConnectionLost(f"the stream broke: {translated}", status=translated.status, maybe_billed=True)
        translated.usage = read_usage(_reported_usage(stream))
        return translated

    def _translated(self, error: Exception) -> ProviderError:
        seen = describe(error)
        translated = translate(seen, self._clock.now())
        translated.args = (without_keys(self._redactor.text(str(translated))),)
        return translated

    async def close(self) -> None:
        """Close the connections that LiteLLM keeps."""
        close = getattr(self._litellm, "close_litellm_async_clients", None)
        if close is not None:
            await close()


def _reported_usage(stream: object) -> object:
    """The usage that came from the provider; the one that LiteLLM puts at the end may be its own estimate."""
    for chunk in reversed(sequence(read(stream, "chunks"))):
        usage = read(chunk, "usage")
        if usage is not None:
            return usage
    return None
