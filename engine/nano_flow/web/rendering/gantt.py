"""When each step of a run was at work, and how its money grew, on one time axis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from nano_flow.core.messages import Json
from nano_flow.core.money import money
from nano_flow.core.refs import path_of
from nano_flow.views.report import RunView
from nano_flow.views.timeline import Bar, timeline

_MOST = 60
WIDTH = 1000.0


@dataclass(frozen=True, slots=True)
class Axis:
    """From the start of a run's latest life on."""

    seconds: float

    def place(self, at: float) -> float:
        """Where a moment (seconds from the start) stands, from 0 to ``WIDTH``."""
        return round(WIDTH * min(1.0, max(0.0, at / max(self.seconds, 0.001))), 1)


@dataclass(frozen=True, slots=True)
class Line:
    """One row: the pieces of time in which the step was at work, as (place, width, state)."""

    address: str
    pieces: tuple[tuple[float, float, str], ...]
    duration_s: float


@dataclass(frozen=True, slots=True)
class MoneyLine:
    """The points of a line that rises with what was spent, and its highest value in nano-dollars."""

    points: str
    highest: int
    simulated: bool


def gantt(view: RunView, axis: Axis) -> list[Line]:
    """A line for each step, the executions of a fan-out on one; the first ``_MOST`` of them."""
    bars = timeline(view)
    order = {path: number for number, path in enumerate(dict.fromkeys(path_of(bar.address) for bar in bars))}
    bars.sort(key=lambda bar: order[path_of(bar.address)])
    lines = [_line(path, list(group), axis) for path, group in groupby(bars, key=lambda bar: path_of(bar.address))]
    return lines[:_MOST]


def money_line(ledger: Iterable[Mapping[str, Json]], axis: Axis) -> MoneyLine | None:
    """What was spent, call by call; None where nothing was."""
    total, real, points, first = 0, 0, [], None
    for row in ledger:
        at = datetime.fromisoformat(str(row["at"])).timestamp()
        first = at if first is None else first
        cost = row.get("cost_usd")
        spent = money(str(cost)) if cost is not None else 0
        total += spent
        real += 0 if row.get("simulated") else spent
        points.append((axis.place(at - first), total))
    if not total:
        return None
    drawn = " ".join(f"{x},{60 - 56 * spent / total:.1f}" for x, spent in points)
    return MoneyLine(f"0,60 {drawn} {WIDTH:.0f},{60 - 56:.1f}", total, not real)


def _line(path: str, bars: list[Bar], axis: Axis) -> Line:
    if len(bars) == 1:
        path = bars[0].address
    pieces = tuple(_piece(bar, axis) for bar in bars[:200])
    return Line(path, pieces, max(bar.start_s + bar.duration_s for bar in bars) - min(bar.start_s for bar in bars))


def _piece(bar: Bar, axis: Axis) -> tuple[float, float, str]:
    left = axis.place(bar.start_s)
    return left, max(2.0, axis.place(bar.start_s + bar.duration_s) - left), bar.status
