"""What to say of a reply that cannot be read: in words, with its beginning, and without a parser's own words."""

from __future__ import annotations

import re

from nano_flow.providers.transport.exchange import Exchange
from nano_flow.providers.vendor import plain

_SHOWN = 120
"""Characters of a reply in a message."""
_FORM = "not of the form that was expected"
_WORDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"recursion", re.I), "nested too deeply"),
    (re.compile(r"expecting|unterminated|delimiter|json|extra data|invalid (control|\\)", re.I), "not valid JSON"),
    (re.compile(r"codec can't decode|surrogates not allowed", re.I), "not valid UTF-8"),
    (re.compile(r"validation errors? for|has no attribute|object is not|must be|list index|keyerror", re.I), _FORM),
)


def unreadable_reply(exchange: Exchange, reason: str) -> str:
    """The rest of "the reply of M …" for a reply that stopped a parser with ``reason``."""
    if not exchange.size:
        return "is empty"
    beginning = exchange.beginning
    if beginning.startswith("<") or "html" in exchange.content_type:
        return f"is a web page, not a reply; check the base_url. It says: {plain(beginning)[:_SHOWN]!r}"
    return f"is {exchange.fault or fault_of(reason) or _FORM}; it begins with {beginning[:_SHOWN]!r}"


def fault_of(reason: str) -> str:
    """What a parser's ``reason`` means in words; empty where it is none of a parser."""
    return next((words for pattern, words in _WORDS if pattern.search(reason)), "")
