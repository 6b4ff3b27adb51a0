"""When each execution ran: what ran side by side, and what the run waited for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nano_flow.core.shown.printable import clip, columns
from nano_flow.core.text import duration_text
from nano_flow.views.report import RunView

_LABEL = 0.3
_NARROWEST = 20


class Bar(NamedTuple):
    """One execution: when it began, in seconds from the start of the run, and how long it took."""

    address: str
    kind: str
    status: str
    start_s: float
    duration_s: float


def timeline(view: RunView) -> list[Bar]:
    """The executions that began, in that order. Of a resumed run, those of the latest life."""
    began = view.started.at if view.started is not None else 0.0
    bars = [
        Bar(
            step.address,
            step.kind,
            step.status,
            max(0.0, step.started_at - began),
            max(0.0, view.last_at - step.started_at) if step.duration_s is None else step.duration_s,
        )
        for step in view.steps.values()
        if step.started_at is not None and step.started_at >= began
    ]
    return sorted(bars, key=lambda bar: (bar.start_s, bar.address))


def timeline_text(bars: Sequence[Bar], width: int, at_most: int = 200) -> list[str]:
    """One line per execution: its name, and a bar on a common scale."""
    if not bars:
        return ["nothing has begun"]
    end = max(max(bar.start_s + bar.duration_s for bar in bars), 0.001)
    label = min(max(columns(bar.address) for bar in bars), max(8, int(width * _LABEL)))
    room = max(_NARROWEST, width - label - 10)
    lines = [_line(bar, label, room, end) for bar in bars[:at_most]]
    if len(bars) > at_most:
        lines.append(f"… and {len(bars) - at_most} more")
    return lines


def _line(bar: Bar, label: int, room: int, end: float) -> str:
    name = clip(bar.address, label)
    start = min(room - 1, int(room * bar.start_s / end))
    length = max(1, min(room - start, round(room * bar.duration_s / end)))
    sign = "█" if bar.status == "succeeded" else "░"
    drawn = (" " * start + sign * length).ljust(room)
    return f"{name}{' ' * (label - columns(name))} {drawn} {duration_text(bar.duration_s)}"
