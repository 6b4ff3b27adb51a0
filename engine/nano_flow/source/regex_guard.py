"""Regular expressions from documents: which ones are accepted, so that none can hang."""

from __future__ import annotations

import re

MAX_PATTERN = 1_000


def check_pattern(pattern: str) -> str | None:
    """Why ``pattern`` cannot be used; None where it can."""
    if len(pattern) > MAX_PATTERN:
        return f"it is longer than {MAX_PATTERN:,} characters"
    try:
        re.compile(pattern)
    except re.error as error:
        return str(error)
    return None


def search(pattern: str, text: str) -> bool:
    """True where ``pattern`` is found anywhere in ``text``."""
    return re.search(pattern, text) is not None
