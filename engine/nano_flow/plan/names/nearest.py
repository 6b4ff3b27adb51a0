"""The name that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable

MOST_COMPARED = 300


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``did you mean "x"?``; empty where nothing is near."""
    from difflib import get_close_matches  # only where something is wrong

    similar = {other for other in known if abs(len(other) - len(name)) <= 3}
    near = get_close_matches(name, sorted(similar)[:MOST_COMPARED], n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else ""


def listed(names: Iterable[str], most: int = 8) -> str:
    """Names for a message: ``"a", "b" and 3 more``."""
    every = list(names)
    shown = ", ".join(f'"{name}"' for name in every[:most])
    return f"{shown} and {len(every) - most} more" if len(every) > most else shown
