"""Points in time as people give them."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from nano_flow.core.errors import UsageError
from nano_flow.core.text import seconds_of

_DURATION = re.compile(r"([0-9]+(\.[0-9]+)?[smhdw])+")


def moment(text: str, now: float | None = None) -> float:
    """``7d``, ``12h``, ``2026-01-31`` or an RFC 3339 time as seconds since 1970. Raises UsageError."""
    if _DURATION.fullmatch(text):
        return (time.time() if now is None else now) - seconds_of(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f'"{text}" is no time: expected a duration such as 7d or 12h, or a date such as 2026-01-31'
        ) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def since(text: str | None) -> float | None:
    """``moment`` of what may be left out. Raises UsageError."""
    return None if text is None else moment(text)
