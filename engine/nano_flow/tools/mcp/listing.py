"""The tools that an MCP server offers, as ours: bounded in number and size, without hidden characters."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json, ToolSpec
from nano_flow.core.strict_json import MAX_DEPTH, within_depth

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import Tool as OfferedTool

_TOOLS = 256
_PAGES = 32
_NAME = 128
_DESCRIPTION = 8_000
_PARAMETERS = 64_000
_KEPT_CONTROLS = "\n\t"


@dataclass(frozen=True, slots=True)
class Offer:
    """One tool: ``said`` is what the server says of it, ``spec`` what a model is told."""

    said: ToolSpec
    spec: ToolSpec
    repeatable: bool
    output_schema: Mapping[str, Json] | None = None


async def list_offers(server: str, client: Client) -> Mapping[str, Offer]:
    """All tools by their names on the server. Raises StepError where there are too many, or odd ones.

    A cursor that is empty, or was followed before, leads nowhere: what was offered by then is all.
    """
    offers: dict[str, Offer] = {}
    cursor: str | None = None
    followed: set[str] = set()
    for _ in range(_PAGES):
        page = await client.list_tools(cursor=cursor)
        for tool in page.tools:
            offers[tool.name] = _offer(server, tool)
        if len(offers) > _TOOLS:
            break
        cursor = page.next_cursor
        if not cursor or cursor in followed:
            return offers
        followed.add(cursor)
    raise StepError("tool", f'the server "{server}" offers more than {_TOOLS} tools')


def _offer(server: str, tool: OfferedTool) -> Offer:
    name, description, parameters = tool.name, tool.description or "", tool.input_schema
    if not name or len(name) > _NAME or not name.isprintable():
        raise StepError("tool", f'the server "{server}" offers a tool with the name {name[:_NAME]!a}')
    if not within_depth(parameters):
        raise StepError("tool", f'the parameters of "{server}.{name}" are nested deeper than {MAX_DEPTH} levels')
    if len(json.dumps(parameters)) > _PARAMETERS:
        raise StepError("tool", f'the parameters of "{server}.{name}" are larger than {_PARAMETERS:,} characters')
    hints = tool.annotations
    repeatable = hints is not None and bool(hints.read_only_hint or hints.idempotent_hint)
    shown = ToolSpec(f"{server}.{name}", _readable(description), parameters)
    return Offer(
        ToolSpec(name, description, {**parameters, "x-repeatable": repeatable}), shown, repeatable, _results(tool)
    )


def _results(tool: OfferedTool) -> Mapping[str, Json] | None:
    """The schema of a tool's results; one that is too large or too deep only makes rehearsals poorer."""
    schema = tool.output_schema
    usable = schema is not None and within_depth(schema) and len(json.dumps(schema)) <= _PARAMETERS
    return schema if usable else None


def _readable(text: str) -> str:
    """Without characters that a person who reads the description would not see."""
    seen = "".join(c for c in text if c in _KEPT_CONTROLS or unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs"))
    return seen if len(seen) <= _DESCRIPTION else seen[:_DESCRIPTION] + " […]"
