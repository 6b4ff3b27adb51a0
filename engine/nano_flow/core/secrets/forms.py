"""Every spelling of a secret that is looked for: verbatim, in JSON (also inside JSON text), in URLs, in base64."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus

SHORTEST = 8
"""Shorter values are not looked for: they would be found in innocent text."""
_SAFE_IN_URLS = ("", "/", "!~*'()")
_ESCAPE = re.compile(r"%[0-9A-F]{2}|\\u[0-9a-f]{4}")


@lru_cache(maxsize=256)
def forms_of(secret: str) -> tuple[str, ...]:
    """The spellings of ``secret``. Their order is kept by stores: a new one goes to the end."""
    return tuple(_forms(secret))


PLAIN_FORMS = 11
"""So many of them are the secret as text and in JSON: those of which pieces can be told."""


def _forms(secret: str) -> Iterator[str]:
    yield from _spellings(secret)
    for encoded in base64_forms(secret):
        yield from _spellings(encoded)
    for line in secret.splitlines():
        # Keys of several lines are quoted line by line.
        if len(line) >= 2 * SHORTEST:
            yield line


def _spellings(text: str) -> Iterator[str]:
    yield text
    for ascii_only in (True, False):
        once = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        twice = json.dumps(once, ensure_ascii=ascii_only)[1:-1]
        yield from (once, twice, once.replace("/", "\\/"), _other_case(once))
    urls = [quote(text, safe=safe, errors="surrogateescape") for safe in _SAFE_IN_URLS]
    for url in (*urls, quote_plus(text, errors="surrogateescape")):
        yield from (url, _other_case(url))


def _other_case(text: str) -> str:
    """``%2F`` as ``%2f``, ``\\u00e9`` as ``\\u00E9``: both are written by somebody."""

    def swap(match: re.Match[str]) -> str:
        escape = match.group()
        return escape.lower() if escape.startswith("%") else "\\u" + escape[2:].upper()

    return _ESCAPE.sub(swap, text)


def base64_forms(secret: str) -> Iterator[str]:
    """What base64 makes of it at each of the three places where it can begin, without the shared ends."""
    raw = secret.encode("utf-8", "surrogateescape" if _escaped(secret) else "surrogatepass")
    for before in range(3):
        first = -(-before * 8 // 6)
        end = (before + len(raw)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(bytes(before) + raw).decode("ascii")[first:end]


def _escaped(text: str) -> bool:
    return all("\udc80" <= c <= "\udcff" for c in text if "\ud800" <= c <= "\udfff")
