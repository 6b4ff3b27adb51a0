"""A store as a whole: what it is, and its rows on their way to another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What a store is and holds. ``owned`` are the runs that somebody works on right now."""

    kind: str
    place: str
    version: int
    rows: Mapping[str, int]
    size: int
    owned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One row of one table, on its way from store to store."""

    table: str
    values: Mapping[str, str | int | float | None]
