"""Asks a provider one cheap question, without LiteLLM: is it there, how fast, does it take the key."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from urllib.parse import quote, urlsplit

from nano_flow.core.redact import Redactor
from nano_flow.ports import Clock
from nano_flow.providers.cards import Endpoint
from nano_flow.providers.region import region_of
from nano_flow.providers.transport.proxies import proxy_of, trust
from nano_flow.providers.vendor import without_keys
from nano_flow.providers.wire.advice import OLLAMA, START_OLLAMA
from nano_flow.providers.wire.destination import destination

AT_ONCE = 3
TIMEOUT_S = 5.0
_NEEDED = {"vertex_ai": "google.auth", "bedrock": "boto3"}
"""LiteLLM ids whose services want a package that LiteLLM does not bring."""
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?!\d)")
_PAGE = re.compile(rb"\ncontent-type:\s*text/html", re.IGNORECASE)
_PACKAGES = {"google.auth": "google-auth", "boto3": "boto3"}


@dataclass(frozen=True, slots=True)
class Question:
    """A GET request; without a path only the connection is tried."""

    base: str
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """What a provider said. ``error`` is empty where all is well; ``advice`` is what to do."""

    reachable: bool
    latency_s: float | None = None
    error: str = ""
    advice: str = ""


async def probe(endpoint: Endpoint, clock: Clock, timeout_s: float = TIMEOUT_S) -> Found:
    """Ask one provider; ends after ``timeout_s`` at the latest."""
    package = _NEEDED.get(str(_target(endpoint)))
    if package is not None and not _installed(package):
        name = _PACKAGES[package]
        return Found(False, error=f"the package {name} is not installed", advice=f"pip install {name}")
    question = question_for(endpoint)
    started = clock.monotonic()
    try:
        async with asyncio.timeout(timeout_s):
            status = await _ask(question)
    except TimeoutError:
        return Found(False, error=f"no answer within {timeout_s:g} s", advice=_start_it(endpoint, question))
    except OSError as error:
        return Found(False, error=_reason(error), advice=_start_it(endpoint, question))
    except ValueError as error:  # something is there, or the address is none
        reason = without_keys(Redactor(endpoint.keys.values()).text(str(error)))
        return Found(False, error=reason, advice="check its base_url in providers.yaml")
    return _judged(endpoint, status, clock.monotonic() - started)


def question_for(endpoint: Endpoint) -> Question:
    """The list of models, or whatever else a key may ask for nothing."""
    ask = _QUESTIONS.get(_target(endpoint), _openai)
    return ask(endpoint)


def _target(endpoint: Endpoint) -> str:
    """The LiteLLM id that calls really go to (``vertex`` with an API key is Gemini)."""
    model = next(iter(endpoint.models.values()), None)
    return endpoint.litellm if model is None else str(destination(endpoint, model)["model"]).partition("/")[0]


def _base(endpoint: Endpoint, usual: str) -> str:
    return (endpoint.address or usual).rstrip("/")


def _openai(endpoint: Endpoint) -> Question:
    key = endpoint.key
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return Question(_base(endpoint, "https://api.openai.com/v1"), "/models", headers)


def _anthropic(endpoint: Endpoint) -> Question:
    headers = {"x-api-key": endpoint.key, "anthropic-version": "2023-06-01"}
    return Question(_base(endpoint, "https://api.anthropic.com"), "/v1/models", headers)


def _azure(endpoint: Endpoint) -> Question:
    if not endpoint.key:  # its token is asked for with the first call
        return Question(_base(endpoint, ""))
    path = f"/openai/models?api-version={quote(endpoint.setting('api_version'))}"
    return Question(_base(endpoint, ""), path, {"api-key": endpoint.key})


def _gemini(endpoint: Endpoint) -> Question:
    base = _base(endpoint, "https://generativelanguage.googleapis.com")
    version = "" if base.rsplit("/", 1)[-1].startswith("v1") else "/v1beta"
    return Question(base, f"{version}/models", {"x-goog-api-key": endpoint.key})


def _vertex(endpoint: Endpoint) -> Question:
    return Question(_base(endpoint, f"https://{endpoint.setting('location')}-aiplatform.googleapis.com"))


def _bedrock(endpoint: Endpoint) -> Question:
    return Question(_base(endpoint, f"https://bedrock-runtime.{region_of(endpoint)}.amazonaws.com"))


def _ollama(endpoint: Endpoint) -> Question:
    model = next(iter(endpoint.models.values()), None)
    base = str(destination(endpoint, model).get("api_base", "")) if model else endpoint.address
    return Question(base or "http://127.0.0.1:11434", "/api/tags")


def _cohere(endpoint: Endpoint) -> Question:
    base = _base(endpoint, "https://api.cohere.com").removesuffix("/chat").removesuffix("/v2")
    return Question(base, "/v1/models", {"authorization": f"Bearer {endpoint.key}"})


def _huggingface(endpoint: Endpoint) -> Question:
    if endpoint.address:
        return Question(_base(endpoint, ""))
    return Question("https://huggingface.co", "/api/whoami-v2", {"authorization": f"Bearer {endpoint.key}"})


_QUESTIONS: Mapping[str, Callable[[Endpoint], Question]] = {
    "anthropic": _anthropic,
    "azure": _azure,
    "gemini": _gemini,
    "vertex_ai": _vertex,
    "bedrock": _bedrock,
    "ollama_chat": _ollama,
    "ollama": _ollama,
    "cohere": _cohere,
    "huggingface": _huggingface,
}


async def _ask(question: Question) -> int | None:
    """The status of the reply; None where only the connection was tried. ValueError for what cannot be a provider."""
    address = urlsplit(question.base)
    secure = address.scheme == "https"
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ValueError(f'"{question.base}" is no address: expected http:// or https://')
    proxy = proxy_of(address.scheme, address.hostname)
    if proxy is not None:
        return await _ask_through(proxy, question)
    context = (trust() or ssl.create_default_context()) if secure else None
    port = address.port or (443 if secure else 80)
    reader, writer = await asyncio.open_connection(address.hostname, port, ssl=context)
    try:
        if not question.path:
            return None
        lines = [
            f"GET {address.path.rstrip('/')}{question.path} HTTP/1.1",
            f"host: {address.netloc.rpartition('@')[2]}",
        ]
        lines += [f"{name}: {value}" for name, value in question.headers.items()]
        writer.write("\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1", "replace"))
        await writer.drain()
        return _status(await _head(reader))
    finally:
        writer.close()


async def _ask_through(proxy: str, question: Question) -> int | None:
    """The same through a proxy."""
    import aiohttp

    url = f"{question.base.rstrip('/')}{question.path}"
    connector = aiohttp.TCPConnector(ssl=trust() or True)
    async with aiohttp.ClientSession(connector=connector) as session:
        try:
            async with session.get(url, headers=question.headers, proxy=proxy, allow_redirects=False) as response:
                page = response.headers.get("content-type", "").lower().startswith("text/html")
                return _meaning(response.status, page=page) if question.path else None
        except aiohttp.ClientHttpProxyError as error:
            raise ValueError(f"the proxy of the environment answers with {error.status}") from None
        except aiohttp.ClientProxyConnectionError:
            raise ValueError("the proxy of the environment is not there") from None


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        return b""
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            raise ValueError("the server closed the connection before it had answered") from None
        return error.partial


def _status(head: bytes) -> int:
    said = _STATUS.match(head)
    if said is None:
        raise ValueError("what listens there does not speak proper HTTP")
    return _meaning(int(said[1]), page=_PAGE.search(head) is not None)


def _meaning(status: int, *, page: bool) -> int:
    if 300 <= status < 400:
        raise ValueError(f"it redirects ({status}), which calls do not follow")
    if status == 200 and page:
        raise ValueError("it answers with a web page")
    return status


def _judged(endpoint: Endpoint, status: int | None, seconds: float) -> Found:
    if status in (401, 403):
        names = ", ".join(endpoint.keys) or "the credentials"
        return Found(True, seconds, f"the key is refused ({status})", f"check {names}")
    if status is not None and status >= 500:
        return Found(True, seconds, f"it answers with {status}", "try again later")
    return Found(True, seconds)


def _reason(error: OSError) -> str:
    """``connection refused`` rather than a number and a tuple."""
    if isinstance(error, socket.gaierror):
        return "the host is not known here"
    return os.strerror(error.errno).lower() if error.errno else str(error) or type(error).__name__


def _start_it(endpoint: Endpoint, question: Question) -> str:
    if endpoint.litellm in OLLAMA:
        return START_OLLAMA
    host = urlsplit(question.base).hostname or question.base
    return f"is {host} reachable from here? its address is base_url in providers.yaml"


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False
