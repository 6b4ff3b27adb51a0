"""The live picture of a run: a bounded block of lines, cut to the terminal's width."""

from __future__ import annotations

from itertools import islice

from nano_flow.core.money import usd
from nano_flow.core.refs import path_of
from nano_flow.core.shown.printable import clip, columns
from nano_flow.core.text import duration_text
from nano_flow.sinks.progress import Progress, Running

_NARROW = 60
_ALIKE = 3
"""Executions of one step that have rows of their own."""
_ENOUGH = 3
"""Items that are over before their pace says something."""


def picture(progress: Progress, now: float, width: int, height: int) -> list[str]:
    """At most ``height`` lines of at most ``width`` columns: what runs, longest first, then the sums."""
    room = max(0, height - 1)
    rows = _grouped(list(progress.running.values()))
    hidden = len(rows) - room
    shown = room if hidden <= 0 else max(0, room - 1)
    lines = [_line(step, now, width) for step in islice(rows, shown)]
    if hidden > 0 and room:
        lines.append(_indented(f"… and {len(rows) - shown} more", width))
    return [*lines, clip(_sums(progress, now, width), width)]


def _grouped(running: list[Running]) -> list[Running]:
    """Many executions of one step as one row: the longest of them, and how many there are."""
    by_path: dict[str, list[Running]] = {}
    for step in running:
        by_path.setdefault(path_of(step.address), []).append(step)
    rows: list[Running] = []
    for path, steps in by_path.items():
        if len(steps) <= _ALIKE:
            rows += steps
        else:
            first = min(steps, key=lambda step: step.since)
            rows.append(Running(f"{path} ×{len(steps)}", first.kind, first.since, first.doing))
    return rows


def _line(step: Running, now: float, width: int) -> str:
    took = _whole(now - step.since)
    doing = step.doing or step.kind
    room = width - columns(took) - 1
    if width < _NARROW:
        return _pad(_indented(step.address, room), room) + " " + took
    half = room // 2
    return _pad(_indented(step.address, half - 1), half) + _pad(clip(doing, room - half), room - half) + " " + took


def _sums(progress: Progress, now: float, width: int) -> str:
    many = progress.items > _ALIKE
    parts = [f"{progress.items_over}/{progress.items}" if many else f"{progress.done} done"]
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    if progress.running:
        parts.append(f"{len(progress.running)} running")
    if width >= _NARROW and progress.skipped:
        parts.append(f"{progress.skipped} skipped")
    budget = "" if progress.budget is None else f" of ${_short(progress.budget)}"
    parts.append(_money(progress) + budget)
    parts.append(_whole(now - progress.began))
    if many and (left := _left(progress, now)) is not None:
        parts.append(f"about {_whole(left)} left")
    return " · ".join(parts)


def _left(progress: Progress, now: float) -> float | None:
    """Seconds until the items that are known are over, at the pace so far; None where nothing can be said."""
    open_ones, over = progress.items - progress.items_over, progress.items_over
    if over < _ENOUGH or open_ones <= 0:
        return None
    return (now - progress.items_since) / over * open_ones


def _money(progress: Progress) -> str:
    parts = []
    if progress.cost or not progress.simulated_cost:
        parts.append(f"${_short(progress.cost)}")
    if progress.simulated_cost:
        parts.append(f"${_short(progress.simulated_cost)} simulated")
    if progress.unpriced_calls:
        parts.append(f"{progress.unpriced_calls} unpriced")
    return " + ".join(parts)


def _short(amount: int) -> str:
    """Money for a glance: cents where it is much, four decimals where it is little."""
    step = 10_000_000 if amount >= 1_000_000_000 else 100_000
    return usd(-(-amount // step) * step)


def _whole(seconds: float) -> str:
    """Seconds without a fraction: a picture that changes ten times a second cannot be read."""
    whole = int(max(0.0, seconds))
    return "0s" if whole == 0 else duration_text(whole)


def _indented(text: str, width: int) -> str:
    return f"  {clip(text, width - 2)}"[: max(0, width)]


def _pad(text: str, width: int) -> str:
    return text + " " * max(0, width - columns(text))
