"""Serves model calls by LiteLLM: its translations are used, its retries, prices, caches and reports are not."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import requires, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, NoReturn

from nano_flow.core.errors import BadRequest, ProviderError, TimedOut
from nano_flow.core.messages import ChatReply, ChatRequest
from nano_flow.core.redact import Redactor
from nano_flow.ports import Clock
from nano_flow.providers.cards import Endpoint, streams
from nano_flow.providers.errors import translate
from nano_flow.providers.transport.connections import Connections
from nano_flow.providers.transport.declared import Declared
from nano_flow.providers.transport.proxies import trusted_file
from nano_flow.providers.transport.quiet import hush, unreported
from nano_flow.providers.transport.watched import Watched, guard
from nano_flow.providers.vendor import describe, without_keys
from nano_flow.providers.wire.advice import OLLAMA, advice
from nano_flow.providers.wire.arguments import Prepared, prepare
from nano_flow.providers.wire.call import Call, Progress
from nano_flow.providers.wire.reply import finished
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


_SWITCHES: dict[str, object] = {
    "disable_hf_tokenizer_download": True,  # else a Llama 3 name stalls for 24 s without a network
    "telemetry": False,
    "suppress_debug_info": True,
    "drop_params": False,
    "modify_params": False,
}
"""LiteLLM's own switches, for the whole process."""


_TRANSPORTS = (
    ("litellm.llms.custom_httpx.aiohttp_transport", "LiteLLMAiohttpTransport"),
    ("httpx", "AsyncHTTPTransport"),
)
"""What LiteLLM sends requests by; the second one where its variables or its ``aclient_session`` ask for it."""


_NEVER_STREAMED = frozenset({"cohere", "cohere_chat"})
"""LiteLLM ids whose streams LiteLLM cannot read; their text is shown when it is whole."""
_LONGEST_S = 600.0
"""How long a call may take where nobody says."""


def load_litellm() -> ModuleType:
    """Import LiteLLM with everything off that it does beside a call; costly, so only when a call is made.

    Where the program around the engine has imported it before, its switches are that program's and stay as they are.
    """
    if "litellm" not in sys.modules:
        os.environ.update(_STAY_HERE)
        if (file := trusted_file()) is not None:
            os.environ.setdefault("SSL_CERT_FILE", file)  # the one variable that LiteLLM looks at
        warnings.filterwarnings("ignore", module=r"litellm|pydantic")  # about its own code: nobody here can act on them
        logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)
        for switch, value in _SWITCHES.items():
            setattr(_imported("litellm"), switch, value)
    for module, transport in _TRANSPORTS:
        guard(getattr(_imported(module), transport, None) or _unusable(f"it has no {transport}"))
    hush(_imported("litellm"))
    return _imported("litellm")


def _imported(module: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as error:
        _unusable(str(error))


def _unusable(reason: str) -> NoReturn:
    """Without the transport a call would be sent unwatched, its key with it wherever a server points."""
    wanted = next((need for need in requires("nano-flow") or () if need.startswith("litellm")), "litellm")
    found = version("litellm") if find_spec("litellm") else "none"
    raise BadRequest(
        f"the installed LiteLLM ({found}) cannot be used: {reason}. "
        f"Nothing was sent. Install one that nano-flow works with: pip install '{wanted.partition(';')[0].strip()}'"
    )


class LiteLLMProvider:
    """One provider behind LiteLLM."""

    def __init__(self, endpoint: Endpoint, clock: Clock) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._redactor = Redactor(endpoint.secrets)
        self._declared = Declared.of(endpoint, os.environ)
        self._litellm = load_litellm()
        self._connections = Connections(self._litellm)

    async def complete(self, request: ChatRequest, on_text: Callable[[str], None] | None = None) -> ChatReply:
        """Answer one request, streamed where the model's card says so; ``on_text`` hears the text as it comes."""
        stream = streams(self._endpoint.model(request.model)) and self._endpoint.litellm not in _NEVER_STREAMED
        reply = await self._answer(request, on_text, stream=stream)
        if on_text is not None and not stream:
            on_text(reply.text)
        return reply

    async def _answer(self, request: ChatRequest, on_text: Callable[[str], None] | None, *, stream: bool) -> ChatReply:
        self._connections.use()
        prepared = prepare(request, self._endpoint, stream=stream)
        if self._endpoint.litellm in OLLAMA:
            self._declare(str(prepared.arguments["model"]))
        exchange = Watched(request.max_output_tokens, self._declared, stream=stream)
        progress = None if not stream else Progress(Collector(on_text, request.max_output_tokens))
        call = Call(request, exchange, progress)
        limit = _LONGEST_S if request.timeout_s is None else request.timeout_s
        try:
            async with self._clock.timeout(limit):
                return await self._sent(
                    call, exchange, prepared, limit + 1
                )  # ours comes first: Gemini's streams ignore theirs
        except TimeoutError:
            raise self._translated(TimedOut(f"{request.model} did not answer within {limit:g} s"), call) from None
        except Exception as error:  # the edge: whatever LiteLLM and the vendors' packages raise is read by one table
            rescued = None if isinstance(error, ProviderError) else call.rescued()
            if rescued is None:
                raise self._translated(error, call) from None
        return finished(rescued, request, prepared, self._endpoint.name)

    async def _sent(self, call: Call, exchange: Watched, prepared: Prepared, network_limit: float) -> ChatReply:
        async with exchange.watched():
            with unreported(self._litellm):
                response = await self._litellm.acompletion(**prepared.arguments, **_FIXED, timeout=network_limit)
                raw = await call.read(response)
        return finished(raw, call.request, prepared, self._endpoint.name)

    def _declare(self, model: str) -> None:
        """Put a model on LiteLLM's list: about others it asks Ollama itself, and the whole engine waits meanwhile."""
        facts = {"litellm_provider": "ollama", "mode": "chat", "supports_function_calling": True}
        self._litellm.model_cost.setdefault(model, {**facts, "input_cost_per_token": 0.0, "output_cost_per_token": 0.0})

    def _translated(self, error: Exception, call: Call) -> ProviderError:
        cause = call.exchange.failure or error
        if not isinstance(cause, ProviderError):
            cause = translate(call.exchange.seen(describe(cause)), self._clock.now())
        failed = call.failed(cause)
        hint = advice(failed, self._endpoint, call.request.model)
        message = f"{str(failed).removesuffix('.')}; {hint}" if hint else str(failed)
        failed.args = (without_keys(self._redactor.text(message)),)
        return failed

    async def close(self) -> None:
        """Let go of the connections that LiteLLM keeps."""
        await self._connections.release()
