"""Reads what a vendor's exception carries: classes, status, message, headers, without any key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from math import isfinite

MAX_MESSAGE = 600
_TRACE = re.compile(
    r"\s*Traceback \(most recent call last\)[\s\S]*| Handle with `litellm\.\w+`\.?$|\. File an issue if litellm.*|"
    r", no content string given\. Received Chunk=[\s\S]*"
)


_NOTHING_SAID = "Connection error."
"""What the SDK of OpenAI says of everything below HTTP; what it was raised from says more."""


@dataclass(frozen=True, slots=True)
class VendorError:
    """What is known of an exception: the names of its classes, status, message, headers, messages of its causes."""

    classes: frozenset[str]
    status: int | None
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    causes: str = ""
    code: str = ""
    """The words by which the body of an error names its kind (``insufficient_quota``), one after the other."""


@dataclass(frozen=True, slots=True)
class SaidError:
    """What the body of an error says: its sentence, the words that name its kind, a status where it holds one."""

    message: str = ""
    code: str = ""
    status: int | None = None


_SENTENCES = ("message", "detail", "error", "error_description", "msg", "title", "reason")
_KINDS = ("code", "type", "status", "reason", "__type")


_STATUS_OF: Mapping[str, int] = {
    word: status
    for status, words in {
        400: "invalid_request_error invalid_prompt invalid_argument context_length_exceeded failed_precondition",
        401: "authentication_error unauthenticated invalid_api_key",
        403: "permission_error permission_denied",
        404: "not_found_error not_found model_not_found",
        413: "request_too_large",
        429: "rate_limit_error rate_limit_exceeded resource_exhausted insufficient_quota throttlingexception",
        500: "api_error server_error internal internal_error internalserverexception",
        503: "unavailable service_unavailable serviceunavailableexception",
        504: "timeout_error deadline_exceeded",
        529: "overloaded_error overloaded",
    }.items()
    for word in words.split()
}
"""The status that goes with the word of an error that comes without one, inside of a reply."""


def read_error(body: object) -> SaidError:
    """The error that ``body`` tells of, in whatever form; empty where it tells of none."""
    if isinstance(body, str):
        return SaidError(body)
    if isinstance(body, list | tuple):
        return next((said for part in body if (said := read_error(part)).message), SaidError())
    if not isinstance(body, Mapping):
        return SaidError()
    inner = next(
        (part for name in ("error", "errors", "detail") if isinstance(part := body.get(name), dict | list)), None
    )
    deeper = SaidError() if inner is None else read_error(inner)
    sentence = next((str(body[name]) for name in _SENTENCES if isinstance(body.get(name), str) and body[name]), "")
    words = [str(body[name]) for name in _KINDS if isinstance(body.get(name), str | int) and body[name]]
    code = body.get("code") or body.get("status")
    status = code if isinstance(code, int) and 400 <= code < 600 else None
    named = next((found for word in words if (found := _STATUS_OF.get(word.lower()))), None)
    kinds = " ".join(filter(None, [deeper.code, *words]))
    return SaidError(deeper.message or sentence, kinds, deeper.status or status or named)


def describe(exception: BaseException) -> VendorError:
    """Read an exception of LiteLLM, of a vendor's package or of the network.

    What it was raised from is looked at too, for LiteLLM wraps what it does not know. A stream that never gave its
    first piece did not break: it is the error inside that counts.
    """
    inner = getattr(exception, "original_exception", None)
    if getattr(exception, "is_pre_first_chunk", False) and isinstance(inner, Exception):
        return describe(inner)
    chain = list(_chain(exception))
    classes = {cls.__name__ for cls in type(exception).__mro__}
    headers: dict[str, str] = {}
    status: int | None = None
    for link in chain:
        headers = headers or _headers(link)
        code = getattr(link, "status_code", None)
        if status is None and isinstance(code, int | str) and str(code).isdigit():
            status = int(code)
    said = [text for link in chain if (text := _said(link)) and not text.endswith(_NOTHING_SAID)]
    message = said[0] if said else type(exception).__name__
    return VendorError(frozenset(classes), status, message, headers, "\n".join(said[1:]))


def _said(exception: BaseException) -> str:
    """An exception's message without the trace that LiteLLM writes into it: code must not be taken for a reason."""
    return _TRACE.sub("", str(getattr(exception, "message", "") or exception)[:_LONGEST])


def _chain(exception: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = exception
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        original = getattr(link, "original_exception", None)
        link = original if isinstance(original, BaseException) else link.__cause__ or link.__context__


def _headers(exception: BaseException) -> dict[str, str]:
    response = getattr(exception, "response", None)
    for holder in (getattr(response, "headers", None), getattr(exception, "headers", None)):
        if isinstance(holder, Mapping):
            return {str(name).lower(): str(value) for name, value in holder.items()}
        items = getattr(holder, "items", None)
        if callable(items):
            return {str(name).lower(): str(value) for name, value in items()}
    return {}


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, by ``retry-after-ms``, or ``Retry-After`` as a number or a date; None for anything else."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after", "").strip()
    seconds = _number(text)
    if seconds is not None or not text:
        return seconds
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    at = date.replace(tzinfo=date.tzinfo or UTC).timestamp()
    return max(at - now, 0.0)


_SAID = re.compile(
    r"(?:retry|try again) in (?:about )?(\d+(?:\.\d+)?) ?(ms|s|m)\b|retryDelay\W{1,6}(\d+(?:\.\d+)?)(s)\b", re.I
)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


def said_to_retry_after(message: str) -> float | None:
    """Seconds to wait where only the message says so (``Please try again in 1.2s``, Google's ``retryDelay``)."""
    found = _SAID.search(message)
    if found is None:
        return None
    amount, unit = (found[1], found[2]) if found[1] else (found[3], found[4])
    return float(amount) * _UNITS[unit.lower()]


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) and number >= 0 else None


_PREFIX = re.compile(r"^(?:litellm\.)?(?:\w+(?:Error|Exception)|Timeout)(?:\s+\w+(?:Error|Exception))?(?:\s*-\s*|:\s*)")
_INNER = re.compile(r'"message"\s*:\s*"((?:[^"\\]|\\.)+)"', re.IGNORECASE)
_SPACES = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_PAGE = re.compile(r"<(!doctype|html|head|body)\b", re.IGNORECASE)
_MARKUP = re.compile(r"<(script|style)\b.*?(</\1>|$)|<[^>]*(>|$)", re.IGNORECASE | re.DOTALL)
_LONGEST = 20_000
"""Characters of a message that are looked at."""
_SOCKET = re.compile(r" ssl:(?:<[^>]*>|\w+)(?= \[)")
"""What aiohttp says of its encryption beside an address that it could not reach."""


def tidy(message: str) -> str:
    """A vendor's message in one line, without the class names that LiteLLM puts before it."""
    text = _SOCKET.sub("", _SPACES.sub(" ", message)).strip()
    if _PAGE.search(text):
        text = plain(text)
    for _ in range(4):
        shorter = _PREFIX.sub("", text, count=1)
        if shorter == text or not shorter:
            break
        text = shorter
    text = _TRACE.sub("", text)
    inner = _INNER.search(text) if text.lstrip("b'").startswith("{") else None
    if inner is not None:
        text = inner[1].replace('\\"', '"')
    return text if len(text) <= MAX_MESSAGE else f"{text[:MAX_MESSAGE]} …"


def plain(text: str) -> str:
    """The words of a web page."""
    return " ".join(_MARKUP.sub(" ", text).split())


_KEYS = re.compile(
    r"sk-[A-Za-z0-9_*-]{6,}|AIza[\w-]{10,}|AKIA[A-Z0-9]{12,}|hf_\w{8,}|gh[pousr]_\w{16,}|xox[abp]-[\w-]{8,}|"
    r"(?<=[?&]key=)[^&\s'\"]+|(?<=Bearer )[\w.~+/=-]{8,}|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)|ya29\.[\w-]{8,}",
)


def without_keys(text: str) -> str:
    """``text`` without what looks like a key, whoever's it is; known keys are taken out besides."""
    return _KEYS.sub("***", text)
