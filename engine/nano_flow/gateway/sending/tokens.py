"""How many tokens a call will read: a likely figure for routing, and one that is never exceeded for budgets."""

from __future__ import annotations

import json

from nano_flow.core.messages import Attachment
from nano_flow.gateway.ask import ModelAsk

PER_MESSAGE = 16
"""Marks around a message: role, separators, name."""
TOOL_PREAMBLE = 600
"""What providers write into the prompt where tools or a schema are sent, beyond their text."""
IMAGE_AT_MOST = 40_000
IMAGE_LIKELY = 1_000
BYTES_PER_TOKEN = 4


def likely_tokens(ask: ModelAsk) -> int:
    """About four bytes a token."""
    size, images = _sizes(ask)
    return size // BYTES_PER_TOKEN + images * IMAGE_LIKELY + 4 * len(ask.messages)


def most_tokens(ask: ModelAsk) -> int:
    """An upper bound whatever the tokenizer: no token that stands for text is shorter than a byte."""
    size, images = _sizes(ask)
    extra = TOOL_PREAMBLE if ask.tools or ask.output_schema is not None else 0
    return size + images * IMAGE_AT_MOST + PER_MESSAGE * (len(ask.messages) + 1) + extra


def _sizes(ask: ModelAsk) -> tuple[int, int]:
    """Bytes of everything that is text, and the number of images."""
    size = images = 0
    for message in ask.messages:
        size += _bytes(message.content)
        for call in message.tool_calls:
            size += _bytes(call.name) + _bytes(call.arguments) + PER_MESSAGE
        if message.provider_data is not None:
            size += len(json.dumps(dict(message.provider_data)))
        for attachment in message.attachments:
            image = _is_image(attachment)
            images += image
            size += _bytes(attachment.name) + PER_MESSAGE + (0 if image else _bytes(attachment.data))
    for tool in ask.tools:
        size += _bytes(tool.name) + _bytes(tool.description) + len(json.dumps(dict(tool.parameters)))
    if ask.output_schema is not None:
        size += 2 * len(json.dumps(dict(ask.output_schema)))
    return size, images


def _is_image(attachment: Attachment) -> bool:
    return attachment.media_type.startswith("image/")


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
