"""How many tokens a request has: likely, by counting characters, and at most, for reservations."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from nano_flow.core.messages import Json, Message, ToolSpec

Count = Callable[[str], int]
"""Tokens of a text."""

MESSAGE_TOKENS = 4
"""What a message costs beside its text: role and separators."""
TOOL_TOKENS = 8
IMAGE_TOKENS = 1_000
"""A usual photograph; what an image really costs depends on its pixels and its model."""

_MOST_PER_MESSAGE = 16
_MOST_FOR_A_REQUEST = 64
_MOST_FOR_TOOLS = 1_024
"""Some providers put instructions of their own before tools: up to 735 tokens are documented."""
_MOST_PER_TOOL = 64
_MOST_FOR_A_SCHEMA = 512
"""The words around a schema that is asked for by prompt, where a model has no other means."""
_MOST_PER_IMAGE = 50_000
"""gpt-4o-mini bills 48,169 tokens for the largest image that it takes; the others less."""

_LOWER = b"abcdefghijklmnopqrstuvwxyz"
_PUNCTUATION = bytes(b for b in range(33, 127) if not chr(b).isalnum())
_WEIGHTS: tuple[tuple[bytes, float], ...] = (
    (_LOWER, 0.170),
    (_LOWER.upper(), 0.181),
    (b"0123456789", 1.1),
    (_PUNCTUATION, 0.446),
    (b" ", 0.101),
    (b"\n\r", 0.769),
    (b"\t", 0.418),
    (bytes(range(0xC2, 0xC8)), 1.71),
    (bytes(range(0xC8, 0xE0)), 0.31),
    (b"\xe0", 0.421),
    (b"\xe1\xe2", 0.379),
    (bytes(range(0xE3, 0xEA)), 0.82),
    (bytes(range(0xEA, 0xF0)), 0.756),
    (bytes(range(0xF0, 0xF8)), 2.0),
)
"""Tokens per byte of a class; beyond ASCII the first byte of a character stands for it (Latin, Cyrillic …, CJK)."""
_WORD_WEIGHT = 0.234


def _all_but(kept: bytes) -> bytes:
    return bytes(b for b in range(256) if b not in kept)


_CLASSES = tuple((_all_but(kept), weight) for kept, weight in _WEIGHTS)


def estimate_tokens(text: str) -> int:
    """Tokens of ``text`` by its characters, fitted to the encoding of GPT-4o and GPT-5 (``o200k_base``).

    The mean error of one text against that encoding is 6 to 11 % for English, mathematics, code and JSON, and 5 to
    22 % for 29 other languages; ``docs/money.md`` has the table. Other models' tokenizers differ from it by more.
    """
    return _counted(text) if len(text) <= _REMEMBERED else _count(text)


def _count(text: str) -> int:
    if not text:
        return 0
    data = text.encode("utf-8", "surrogatepass")
    total = _WORD_WEIGHT * len(data.split())
    for others, weight in _CLASSES:
        total += weight * len(data.translate(None, others))
    return max(1, round(total))


_REMEMBERED = 32_000
"""Characters of the texts whose count is kept: an agent says its whole conversation again with every turn."""
_counted = lru_cache(maxsize=1024)(_count)


def count_request(
    messages: Sequence[Message],
    tools: Sequence[ToolSpec] = (),
    output_schema: Mapping[str, Json] | None = None,
    count: Count = estimate_tokens,
) -> int:
    """The likely tokens of a request's input, its texts counted by ``count``."""
    total = 0
    for message in messages:
        total += MESSAGE_TOKENS + count(message.content)
        for call in message.tool_calls:
            total += TOOL_TOKENS + count(call.name) + count(call.arguments)
        for attachment in message.attachments:
            is_text = attachment.media_type.startswith("text/")
            total += MESSAGE_TOKENS + (count(attachment.data) if is_text else IMAGE_TOKENS)
    for tool in tools:
        total += TOOL_TOKENS + count(tool.name) + count(tool.description) + count(_json(tool.parameters))
    if output_schema is not None:
        total += TOOL_TOKENS + count(_json(output_schema))
    return total


def upper_bound(
    messages: Sequence[Message],
    tools: Sequence[ToolSpec] = (),
    output_schema: Mapping[str, Json] | None = None,
) -> int:
    """Tokens that a request's input cannot exceed, whatever the tokenizer: cheap, for reservations.

    A tokenizer that works on bytes, or falls back to them, makes at most one token of a byte. Some normalise first
    (NFKC), which can make one character many: the longer of both forms counts.
    """
    total = _MOST_FOR_A_REQUEST
    for message in messages:
        total += _MOST_PER_MESSAGE + most_tokens(message.content)
        if message.tool_calls or message.attachments or message.provider_data:
            total += _most_for_extras(message)
    if tools:
        total += _MOST_FOR_TOOLS
        for tool in tools:
            total += _MOST_PER_TOOL + most_tokens(tool.name) + most_tokens(tool.description)
            total += most_tokens(_json(tool.parameters))
    if output_schema is not None:
        total += _MOST_FOR_A_SCHEMA + most_tokens(_json(output_schema))
    return total


def most_tokens(text: str) -> int:
    """Tokens that ``text`` cannot exceed: its bytes."""
    if text.isascii():
        return len(text)
    plain = len(text.encode("utf-8", "surrogatepass"))
    if unicodedata.is_normalized("NFKC", text):
        return plain
    return max(plain, len(unicodedata.normalize("NFKC", text).encode("utf-8", "surrogatepass")))


def _most_for_extras(message: Message) -> int:
    total = 0
    for call in message.tool_calls:
        total += _MOST_PER_TOOL + most_tokens(call.id) + most_tokens(call.name) + most_tokens(call.arguments)
    for attachment in message.attachments:
        is_text = attachment.media_type.startswith("text/")
        total += _MOST_PER_MESSAGE + most_tokens(attachment.name)
        total += most_tokens(attachment.data) if is_text else _MOST_PER_IMAGE
    if message.provider_data:
        total += most_tokens(_json(message.provider_data))
    return total


def _json(value: Mapping[str, Json]) -> str:
    return json.dumps(dict(value))
