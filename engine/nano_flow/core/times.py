"""Moments as text."""

from __future__ import annotations

from datetime import UTC, datetime

_LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()


def rfc3339(at: float) -> str:
    """Seconds since 1970 as ``2026-01-31T12:00:00.123Z``; what lies before or beyond the calendar is cut."""
    moment = datetime.fromtimestamp(max(0.0, min(at, _LAST)), UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
