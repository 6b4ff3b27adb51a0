"""When each step of a run was at work, and how its money grew, on one time axis."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from nano_flow.core.refs import path_of
from nano_flow.views.report import RunView
from nano_flow.views.timeline import Bar, timeline
from nano_flow.web.curve import MoneyCurve

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
    """Points of the line that rises with what was spent, and of the one with what was set aside above it.

    ``highest`` is the value at the upper edge, in nano-dollars; ``budget`` is where the budget's line stands, if it
    is in the picture.
    """

    points: str
    held: str
    highest: int
    spent: int
    budget: float | None
    simulated: bool


def gantt(view: RunView, axis: Axis) -> list[Line]:
    """A line for each step, the executions of a fan-out on one; the first ``_MOST`` of them."""
    bars = timeline(view)
    order = {path: number for number, path in enumerate(dict.fromkeys(path_of(bar.address) for bar in bars))}
    bars.sort(key=lambda bar: order[path_of(bar.address)])
    lines = [_line(path, list(group), axis) for path, group in groupby(bars, key=lambda bar: path_of(bar.address))]
    return lines[:_MOST]


def money_line(curve: MoneyCurve, axis: Axis, began: float, budget: int | None) -> MoneyLine | None:
    """What was spent and set aside, call by call, of the life that ``began`` then; None where nothing was."""
    if not curve.points:
        return None
    top = max(max(spent + held for _, spent, held in curve.points), 1)
    shown = budget is not None and budget <= 4 * top
    top = max(top, budget or 0) if shown else top

    def height(value: int) -> float:
        return round(60 - 56 * value / top, 1)

    spent, held, before = ["0,60"], ["0,60"], (0, 0)
    for at, paid, aside in curve.points:
        x = axis.place(at - began)
        spent += [f"{x},{height(before[0])}", f"{x},{height(paid)}"]
        held += [f"{x},{height(sum(before))}", f"{x},{height(paid + aside)}"]
        before = (paid, aside)
    spent.append(f"{WIDTH:.0f},{height(before[0])}")
    held.append(f"{WIDTH:.0f},{height(sum(before))}")
    line = height(budget) if shown and budget is not None else None
    return MoneyLine(" ".join(spent), " ".join(held), top, before[0], line, not curve.real)


def _line(path: str, bars: list[Bar], axis: Axis) -> Line:
    if len(bars) == 1:
        path = bars[0].address
    pieces = tuple(_piece(bar, axis) for bar in bars[:200])
    return Line(path, pieces, max(bar.start_s + bar.duration_s for bar in bars) - min(bar.start_s for bar in bars))


def _piece(bar: Bar, axis: Axis) -> tuple[float, float, str]:
    left = axis.place(bar.start_s)
    return left, max(2.0, axis.place(bar.start_s + bar.duration_s) - left), bar.status
