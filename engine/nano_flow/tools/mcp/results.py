"""From what an MCP server answers to plain data and text, bounded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nano_flow.core.errors import OutputLimit
from nano_flow.core.messages import Json
from nano_flow.core.text import as_text

if TYPE_CHECKING:
    from mcp.types import CallToolResult, ContentBlock

RESULT_CAP = 1_048_576
"""Characters of a result."""


def plain_result(result: CallToolResult) -> Json:
    """Structured content where there is some, else the text; what is neither is named.

    What a server says beside its structured content, and not only again, is kept under ``content``.
    """
    structured: Json = result.structured_content
    if not isinstance(structured, dict):
        return result_text(result)
    value = structured["result"] if structured.keys() == {"result"} else structured
    beside: list[Json] = [_block(block) for block in result.content if not _says_again(block, (structured, value))]
    if beside:
        value = {**(value if isinstance(value, dict) else {"result": value}), "content": beside}
    text = as_text(value)
    if len(text) > RESULT_CAP:
        raise _too_large(text)
    return value


def error_text(result: CallToolResult) -> str:
    """What an error says: its text, and its data where there is any."""
    structured: Json = result.structured_content
    said = [_block(block) for block in result.content if not _says_again(block, (structured,))]
    return "; ".join([*said, *([as_text(structured)] if structured else [])])


def _says_again(block: ContentBlock, values: tuple[Json, ...]) -> bool:
    """Whether a block is only the structured content as text, which servers send for clients of old."""
    if block.type != "text":
        return False
    try:
        again: Json = json.loads(block.text)
    except (ValueError, RecursionError):
        again = block.text
    return any(again == value or block.text == as_text(value) for value in values if value is not None)


def result_text(result: CallToolResult) -> str:
    """All content as text."""
    return _whole("\n".join(_block(block) for block in result.content))


def _block(block: ContentBlock) -> str:
    if block.type == "text":
        return block.text
    if block.type == "resource":
        text = getattr(block.resource, "text", None)
        return text if isinstance(text, str) else f"[resource {block.resource.uri}, not text]"
    if block.type == "resource_link":
        return f"[resource {block.uri}]"
    return f"[{block.type} {block.mime_type}, {len(block.data) * 3 // 4} bytes]"


def _whole(text: str) -> str:
    if len(text) > RESULT_CAP:
        raise _too_large(text)
    return text


def _too_large(text: str) -> OutputLimit:
    return OutputLimit(
        f"the result has {len(text):,} characters, {RESULT_CAP:,} are the most; ask for less of it", text[:RESULT_CAP]
    )
