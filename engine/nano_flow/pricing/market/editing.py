"""Adds a dated entry to the text of a ``pricing.yaml``; comments, order and everything else stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from nano_flow.core.diagnostics import SourceRange
from nano_flow.core.money import usd
from nano_flow.pricing.reading import KINDS

Prices = Mapping[str, Decimal]
MAX_LINE = 120


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to add; ``batch`` and ``per_request`` are carried over as they are written."""

    starts: str
    kinds: Prices
    above: Mapping[int, Prices]
    source: str
    batch: str | None = None
    per_request: str | None = None


@dataclass(frozen=True, slots=True)
class Insertion:
    """Lines to put after line ``after`` (from 1) of the text."""

    after: int
    lines: tuple[str, ...]


def insertion(
    text: str,
    last_entry: tuple[str | int, ...],
    entry: NewEntry,
    value_range: Callable[[tuple[str | int, ...]], SourceRange],
) -> Insertion | None:
    """Where and what to insert so that ``entry`` follows the entry at path ``last_entry``.

    None where the list is written in a form that cannot be added to line by line, ``[…]`` or an alias.
    """
    where = value_range(last_entry)
    lines = text.split("\n")
    first = lines[where.line - 1]
    dash = first.rfind("-", 0, where.column - 1)
    if dash < 0 or first[:dash].strip() or first[dash + 1 : where.column - 1].strip():
        return None
    end = where.end_line - 1 if where.end_column == 1 else where.end_line
    return Insertion(end, written(entry, " " * dash))


def insert(text: str, insertions: list[Insertion]) -> str:
    """The text with all insertions made."""
    lines = text.split("\n")
    for new in sorted(insertions, key=lambda i: -i.after):
        lines[new.after : new.after] = new.lines
    return "\n".join(lines)


def written(entry: NewEntry, indent: str) -> tuple[str, ...]:
    """The lines of an entry: one where it fits, else one key a line."""
    pairs = [("from", entry.starts), *_pairs(entry.kinds)]
    for size, kinds in sorted(entry.above.items()):
        inner = ", ".join(f"{kind}: {price}" for kind, price in _pairs(kinds))
        pairs.append(("above", f"{{{_size(size)}: {{{inner}}}}}"))
    pairs += [(name, value) for name, value in (("batch", entry.batch), ("per_request", entry.per_request)) if value]
    pairs.append(("source", f'"{entry.source}"' if ":" in entry.source or "#" in entry.source else entry.source))
    line = f"{indent}- {{{', '.join(f'{name}: {value}' for name, value in pairs)}}}"
    if len(line) <= MAX_LINE:
        return (line,)
    first, *rest = (f"{name}: {value}" for name, value in pairs)
    return (f"{indent}- {first}", *(f"{indent}  {pair}" for pair in rest))


def _pairs(kinds: Prices) -> list[tuple[str, str]]:
    return [(kind, dollars(kinds[kind])) for kind in KINDS if kind in kinds]


def dollars(price: Decimal) -> str:
    """A price with at least two decimals: ``0.30``, ``10.00``, ``0.0375``."""
    nano = price * 10**9
    text = usd(int(nano)) if nano == int(nano) else f"{price:f}"
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest.ljust(2, '0')}"


def _size(size: int) -> str:
    return f"{size // 1000}k" if size % 1000 == 0 else str(size)
