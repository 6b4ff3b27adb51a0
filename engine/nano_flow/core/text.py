"""Plain data, durations and moments as text."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from nano_flow.core.messages import Json

_LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
_PART = re.compile(r"([0-9.]+)(ms|[smhdw])")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}


def as_text(value: Json) -> str:
    """Text as it is; anything else as JSON, the way templates write it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def seconds_of(duration: str) -> float:
    """``1h30m`` → 5400; the caller has looked at the form."""
    return sum(float(amount) * _SECONDS[unit] for amount, unit in _PART.findall(duration))


def duration_text(seconds: float) -> str:
    """``0.3`` → ``300ms``, ``90`` → ``1m30s``, ``2.5`` → ``2.5s``."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    if seconds < 60:
        return f"{seconds:.3g}s"
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{amount}{unit}" for amount, unit in parts if amount)


def rfc3339(at: float) -> str:
    """Seconds since 1970 as ``2026-01-31T12:00:00.123Z``; what lies before or beyond the calendar is cut."""
    moment = datetime.fromtimestamp(max(0.0, min(at, _LAST)), UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
