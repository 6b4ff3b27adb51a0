"""One ask on its way through models and attempts."""

from __future__ import annotations

from dataclasses import dataclass, field

from nano_flow.core.refs import ModelRef
from nano_flow.gateway.ask import ModelAsk
from nano_flow.gateway.sending.fingerprint import Asked
from nano_flow.gateway.sending.streaming import Shown


@dataclass(slots=True)
class Question:
    """What stays the same over all attempts of one ask, and how many there were.

    ``asked`` is it without its model, ``fingerprint`` what a recorded reply is found by, ``likely_tokens`` about what
    its input takes.
    """

    ask: ModelAsk
    asked: Asked
    fingerprint: str
    requested: str
    likely_tokens: int = 0
    attempts: int = 0
    shown: Shown = field(default_factory=Shown)
    room: dict[ModelRef, int] = field(default_factory=dict)
    """Output caps above the usual ones, of models whose reply stopped at theirs."""
