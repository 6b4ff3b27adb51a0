"""What a Claude can, by the generation that its name tells; a name that tells none is a server that speaks alike."""

from __future__ import annotations

import re

Generation = tuple[int, int]
_NAME = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?![\d.])")
_SCHEMAS_FROM = (4, 5)
_ADAPTS_FROM = (4, 6)


def generation_of(model: str) -> Generation:
    """``claude-opus-4-6`` → (4, 6); ``claude-sonnet-4-20250514`` → (4, 0); (0, 0) where the name says nothing."""
    found = _NAME.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)


def takes_schemas(generation: Generation) -> bool:
    """Whether it writes by a schema; the others are given one as a tool that they must call."""
    return generation >= _SCHEMAS_FROM


def adapts(generation: Generation) -> bool:
    """Whether it finds by itself how long to think, within an effort; the others take a budget."""
    return generation >= _ADAPTS_FROM
