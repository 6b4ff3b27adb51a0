"""The calendar windows of budgets over runs: when the one that holds a moment began, and when it ends."""

from __future__ import annotations

from datetime import datetime, timedelta

from nano_flow.documents.service import Window
from nano_flow.project.service.schedule import zone_of


def window_of(per: Window, timezone: str | None, at: float) -> tuple[float, float]:
    """Begin and end, in seconds since 1970, of the day, week (from Monday on) or month that holds ``at``."""
    zone = zone_of(timezone)
    day = datetime.fromtimestamp(at, zone).date()
    if per == "day":
        first, last = day, day + timedelta(days=1)
    elif per == "week":
        first = day - timedelta(days=day.weekday())
        last = first + timedelta(days=7)
    else:
        first = day.replace(day=1)
        last = (first + timedelta(days=32)).replace(day=1)
    # Midnight may come twice, or not at all, where clocks change at night: the first moment of the date counts.
    begin, end = (datetime(one.year, one.month, one.day, tzinfo=zone).timestamp() for one in (first, last))
    return begin, end
