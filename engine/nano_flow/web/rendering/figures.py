"""Figures as people read them: money, times, durations, counts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from nano_flow.core.messages import Json
from nano_flow.core.money import usd
from nano_flow.core.text import duration_text, rfc3339

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_SIGNS = {
    "succeeded": "✓",
    "failed": "✗",
    "cancelled": "✗",
    "skipped": "–",
    "waiting": "?",
    "paused": "Ⅱ",
    "running": "▸",
    "queued": "…",
    "pending": "·",
}


def dollars(amount: object) -> str:
    """Nano-dollars, or a decimal string, as ``$0.0123``; what is unknown is said to be."""
    if amount is None:
        return "unknown"
    return f"${usd(amount)}" if isinstance(amount, int) else f"${amount}"


def short_dollars(amount: object) -> str:
    """The same in at most four places, for headlines; a cent is never shown as nothing."""
    if amount is None:
        return "unknown"
    try:
        value = Decimal(usd(amount) if isinstance(amount, int) else str(amount))
    except InvalidOperation:
        return str(amount)
    if value and abs(value) < Decimal("0.0001"):
        return "<$0.0001"
    places = Decimal("0.0001") if abs(value) < 1 else Decimal("0.01")
    return f"${value.quantize(places):,}".replace(".0000", "") if value else "$0"


def seconds(value: object) -> str:
    """Seconds as ``1m30s``; nothing where they are not known."""
    return duration_text(value) if isinstance(value, int | float) else ""


def ago(at: float, now: float) -> str:
    """How long ago, roughly: ``3 min``, ``2 h``, ``5 d``."""
    passed = max(0.0, now - at)
    for size, word in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if passed >= size:
            return f"{passed / size:.0f} {word}"
    return f"{passed:.0f} s"


def moment(at: float) -> str:
    """A moment in UTC, to the minute."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"


def day(at: float) -> str:
    """A day in UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


def file_name(place: object) -> str:
    """``/long/way/routing.yaml:19`` without the way."""
    return str(place).replace("\\", "/").rpartition("/")[2]


def machine_time(at: float) -> str:
    """A moment as the attribute of ``<time>`` wants it."""
    return rfc3339(at)


def sign(status: object) -> str:
    """The mark of a state, so that it is not told by its colour alone."""
    return _SIGNS.get(str(status), "·")


def pretty(value: Json) -> str:
    """Text as it is, all else as indented JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def count(number: object) -> str:
    """``12345`` as ``12,345``."""
    return f"{number:,}" if isinstance(number, int) else ""
