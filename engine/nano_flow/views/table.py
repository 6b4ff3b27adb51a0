"""Tables that fit: the least important columns go first, then the widest give way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nano_flow.core.shown.printable import clip, columns, printable

GAP = 2
WHOLE = 10_000
"""``least`` of a column that is never cut: a figure without its end is another figure."""


@dataclass(frozen=True, slots=True)
class Column:
    """A heading. ``rank`` 0 is never dropped, the highest goes first; ``least`` is the narrowest that is of use."""

    name: str
    rank: int = 0
    right: bool = False
    least: int = 8
    most: int = 60


def table(heads: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """The lines of a table at most ``width`` wide, heading first; empty columns are left out."""
    cells = [[printable(cell) for cell in row] for row in rows]
    shown = [index for index, head in enumerate(heads) if head.rank == 0 or any(row[index] for row in cells)]
    wide = {index: _width(heads[index], [row[index] for row in cells]) for index in shown}
    while len(shown) > 1 and _least(heads, shown, wide) > width:
        dropped = max(shown, key=lambda index: (heads[index].rank, index))
        if heads[dropped].rank == 0:
            break
        shown.remove(dropped)
    widths = _fitted(heads, shown, wide, width)
    lines = [_line(heads, [head.name for head in heads], widths)]
    lines += [_line(heads, row, widths) for row in cells]
    return [clip_end(line, width) for line in lines]


def clip_end(line: str, width: int) -> str:
    """``line``, which is printable, in at most ``width`` columns; its spaces stay."""
    if columns(line) <= width:
        return line
    kept = line
    while kept and columns(kept) >= width:
        kept = kept[:-1]
    return f"{kept}…" if width > 0 else ""


def _width(head: Column, cells: Sequence[str]) -> int:
    return min(head.most, max(columns(head.name), *(columns(cell) for cell in cells), 0))


def _least(heads: Sequence[Column], shown: Sequence[int], wide: dict[int, int]) -> int:
    return sum(min(wide[index], heads[index].least) + GAP for index in shown) - GAP


def _fitted(heads: Sequence[Column], shown: Sequence[int], wide: dict[int, int], width: int) -> dict[int, int]:
    """What each column gets: the one with the most to spare gives, until all fit."""
    widths = {index: wide[index] for index in shown}
    over = sum(widths.values()) + GAP * (len(shown) - 1) - width
    while over > 0:
        index = max(shown, key=lambda at: widths[at] - min(wide[at], heads[at].least))
        spare = widths[index] - min(wide[index], heads[index].least)
        if spare <= 0:
            break
        taken = min(over, spare)
        widths[index] -= taken
        over -= taken
    return widths


def _line(heads: Sequence[Column], cells: Sequence[str], widths: dict[int, int]) -> str:
    parts = []
    for index, width in widths.items():
        cell = clip(cells[index], width)
        blank = " " * (width - columns(cell))
        parts.append(blank + cell if heads[index].right else cell + blank)
    return (" " * GAP).join(parts).rstrip()
