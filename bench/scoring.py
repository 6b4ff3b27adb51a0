"""Facts and score of one prompt beside LiteLLM's own complexity router on the same text, in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.measure import ROOT, Figure, medians
from bench.routing.routers import declared, litellm, shipped

MICROSECONDS = {1_000: 150, 10_000: 1_500}
"""What a score may take on an idle machine, by tokens; on a busy one the ratio tells."""
AT_MOST = 0.1
CALLS = 20


def figures(times: int = 9) -> list[Figure]:
    """The ratio of medians taken in turns, so that it says the same on a machine that is slow or busy."""
    policies, text = shipped(), prose()
    found = []
    for tokens, bound in MICROSECONDS.items():
        prompts = [text[: 4 * tokens]] * CALLS
        if litellm(prompts[:1]) is None:
            return []
        ours, theirs = medians(
            [_microseconds(lambda p=prompts: declared(p, policies)), _microseconds(lambda p=prompts[:3]: litellm(p))],  # type: ignore[misc]
            times,
        )
        ours, theirs = ours / CALLS, theirs / 3
        note = f"{ours:.0f} µs, at most {bound:,} wanted on an idle machine; LiteLLM's {theirs:.0f} µs"
        found.append(Figure(f"a score of {tokens:,} tokens", ours / theirs, "× LiteLLM's router", AT_MOST, note=note))
    return found


def prose() -> str:
    """More than 10,000 tokens of ASCII: the project's own documentation, with its code, tables and lists."""
    parts = (path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md")))
    return "\n".join(parts).encode("ascii", "ignore").decode()[: 4 * max(MICROSECONDS)]


def _microseconds(function: Callable[[], object]) -> Callable[[], float]:
    def taken() -> float:
        start = time.perf_counter()
        function()
        return (time.perf_counter() - start) * 1e6

    return taken
