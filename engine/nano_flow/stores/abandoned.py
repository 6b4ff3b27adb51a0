"""The end of a call that nobody saw."""

from __future__ import annotations

from nano_flow.core.calls import ABANDONED, CallFailed, CallIntended
from nano_flow.core.money import ZERO


def abandoned(intent: CallIntended, at: float, *, simulated: bool) -> CallFailed:
    """The end of a call whose process is gone: its worst case counts as possibly spent."""
    return CallFailed(
        at=at,
        address=intent.address,
        turn=intent.turn,
        attempt=intent.attempt,
        model=intent.model,
        error=ABANDONED,
        message="the process ended before a reply was recorded; it may have been billed",
        duration_s=0.0,
        possibly_spent=intent.reserved,
        simulated=simulated or intent.model.startswith("sim/"),
        cost=None if intent.unpriced else ZERO,
        unpriced=intent.unpriced,
    )
