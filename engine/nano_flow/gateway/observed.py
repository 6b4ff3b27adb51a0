"""What a run has seen of its models so far: how long replies take and how long they are."""

from __future__ import annotations

from collections.abc import Mapping

from nano_flow.core.messages import Usage
from nano_flow.core.refs import ModelRef

WEIGHT = 0.2
"""How much the newest reply counts in a running mean."""


class Observed:
    """Running means by ``provider/model``, begun with what earlier runs saw; ``calls`` says over how many."""

    def __init__(
        self,
        latency_s: Mapping[str, float] | None = None,
        output_tokens: Mapping[str, float] | None = None,
        calls: Mapping[str, int] | None = None,
    ) -> None:
        self.latency_s: dict[str, float] = dict(latency_s or {})
        self.output_tokens: dict[str, float] = dict(output_tokens or {})
        self.calls: dict[str, int] = dict(calls or {})

    def add(self, ref: ModelRef, seconds: float, usage: Usage) -> None:
        """A reply of ``ref`` came after ``seconds``."""
        name = str(ref)
        tokens = usage.output_tokens + usage.reasoning_tokens
        self.latency_s[name] = _mean(self.latency_s.get(name), seconds)
        self.output_tokens[name] = _mean(self.output_tokens.get(name), tokens)
        self.calls[name] = self.calls.get(name, 0) + 1


def _mean(before: float | None, now: float) -> float:
    return now if before is None else before + WEIGHT * (now - before)
