"""Serves model calls by LiteLLM: its translations are used, its retries, prices, caches and reports are not."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import AsyncIterator, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from nano_flow.core.errors import ConnectionLost, NanoFlowError, ProviderError, TimedOut
from nano_flow.core.messages import ChatReply, ChatRequest
from nano_flow.core.redact import Redactor
from nano_flow.core.refs import ModelRef
from nano_flow.ports import Clock
from nano_flow.providers.cards import Endpoint
from nano_flow.providers.errors import translate
from nano_flow.providers.vendor import describe, without_keys
from nano_flow.providers.wire.advice import OLLAMA, advice
from nano_flow.providers.wire.arguments import prepare
from nano_flow.providers.wire.connections import Connections
from nano_flow.providers.wire.ending import Ending
from nano_flow.providers.wire.reply import Raw, finished, read, read_usage, sequence, whole
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


def _own_reports() -> ContextVar[bool] | None:
    """LiteLLM's mark of calls that it is not to report on; None where a version has no such mark."""
    try:
        from litellm._internal_context import is_internal_call
    except ImportError:
        return None
    return is_internal_call


class LiteLLMProvider:
    """One provider behind LiteLLM."""

    def __init__(self, endpoint: Endpoint, clock: Clock) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._redactor = Redactor(endpoint.keys.values())
        self._litellm = load_litellm()
        self._unreported = _own_reports()
        self._connections = Connections(self._litellm)

    async def complete(self, request: ChatRequest, on_text: Callable[[str], None] | None = None) -> ChatReply:
        """Answer one request; streams where ``on_text`` is given."""
        if on_text is not None and self._endpoint.litellm in _NEVER_STREAMED:
            reply = await self.complete(request)
            on_text(reply.text)
            return reply
        self._connections.use()
        prepared = prepare(request, self._endpoint, stream=on_text is not None)
        if self._endpoint.litellm in OLLAMA:
            self._declare(str(prepared.arguments["model"]))
        progress = None if on_text is None else _Progress(Collector(on_text))
        limit = request.timeout_s
        network_limit = _LONGEST_S if limit is None else limit + 1  # ours comes first: Gemini's streams ignore theirs
        try:
            async with self._clock.timeout(limit):
                response: object = await self._call({**prepared.arguments, **_FIXED, "timeout": network_limit})
                raw = whole(response) if progress is None else await progress.read_to_end(response)
                return finished(raw, request, prepared, self._endpoint.name)
        except TimeoutError:
            raise TimedOut(f"{request.model} did not answer within {limit or network_limit:g} s") from None
        except NanoFlowError:
            raise
        except Exception as error:  # the edge: whatever LiteLLM and the vendors' packages raise is read by one table
            raise self._translated(error, request.model, progress) from None

    async def _call(self, arguments: Mapping[str, object]) -> object:
        """Let LiteLLM call; its logs and sums, of which nobody would see anything, are a tenth of its work."""
        if self._unreported is None:
            return await self._litellm.acompletion(**arguments)
        before = self._unreported.set(True)
        try:
            return await self._litellm.acompletion(**arguments)
        finally:
            self._unreported.reset(before)

    def _declare(self, model: str) -> None:
        """Put a model on LiteLLM's list: about others it asks Ollama itself, and the whole engine waits meanwhile."""
        facts = {"litellm_provider": "ollama", "mode": "chat", "supports_function_calling": True}
        self._litellm.model_cost.setdefault(model, {**facts, "input_cost_per_token": 0.0, "output_cost_per_token": 0.0})

    def _translated(self, error: Exception, model: ModelRef, progress: _Progress | None) -> ProviderError:
        translated = translate(describe(error), self._clock.now())
        message = "; ".join(
            filter(None, (str(translated).removesuffix("."), advice(translated, self._endpoint, model)))
        )
        message = without_keys(self._redactor.text(message))
        if progress is not None and progress.collector.begun:
            translated = ConnectionLost(f"the stream broke: {message}", status=translated.status, maybe_billed=True)
        else:
            translated.args = (message,)
        if progress is not None:
            translated.usage = read_usage(_reported_usage(progress.stream))
        return translated

    async def close(self) -> None:
        """Let go of the connections that LiteLLM keeps."""
        await self._connections.release()


@dataclass(slots=True)
class _Progress:
    """A stream being read; what came of it is still there when it breaks."""

    collector: Collector
    stream: object = None

    async def read_to_end(self, stream: object) -> Raw:
        """All of the stream, and how the provider said that it ended."""
        self.stream = stream
        ending = Ending(stream)
        await ending.watch()
        async for chunk in cast("AsyncIterator[object]", stream):
            self.collector.take(chunk)
        self.collector.usage = _reported_usage(stream)
        return self.collector.raw(ending.announced())


def _reported_usage(stream: object) -> object:
    """The usage that came from the provider; the one that LiteLLM puts at the end may be its own estimate."""
    for chunk in reversed(sequence(read(stream, "chunks"))):
        usage = read(chunk, "usage")
        if usage is not None:
            return usage
    return None
