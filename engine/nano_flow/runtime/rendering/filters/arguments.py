"""Arguments of filters: typed, bounded, with messages that name them."""

from __future__ import annotations

from collections.abc import Mapping

from nano_flow.runtime.rendering.failure import RenderFailure, kind_of


def whole(value: object, name: str, most: int, least: int = 0) -> int:
    """``value`` as a whole number from ``least`` to ``most``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise RenderFailure(f'"{name}" is a whole number, not {kind_of(value)}')
    if not least <= value <= most:
        raise RenderFailure(f'"{name}" is from {least:,} to {most:,}')
    return value


def number(value: object, name: str) -> int | float:
    """``value`` as a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RenderFailure(f"{name} needs a number, not {kind_of(value)}")
    return value


def items_of(value: object, name: str) -> list[object]:
    """``value`` as a list: a list as it is, the keys of a mapping, the characters of a text."""
    if isinstance(value, list):
        return value
    if isinstance(value, (tuple, str, Mapping)):
        return list(value)
    raise RenderFailure(f"{name} needs a list, not {kind_of(value)}")
