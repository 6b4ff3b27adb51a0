"""How failures are answered: the ``fallback:`` of ``routing.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nano_flow.documents.routing import RoutingDocument

RECOVERABLE = frozenset(
    {
        *("rate_limit", "overloaded", "server_error", "timeout", "connection"),
        *("model_not_found", "credentials", "quota", "context_window"),
    }
)
"""Classes of error after which another model is asked, unless the document says otherwise."""


@dataclass(frozen=True, slots=True)
class FallbackRules:
    """Attempts are per model and call; delays and times are seconds."""

    attempts: int = 3
    next_model_on: frozenset[str] = RECOVERABLE
    stop_on: frozenset[str] = frozenset({"bad_request", "content_filter"})
    cooldown_after: int = 3
    cooldown_s: float = 60.0
    delay_s: float = 1.0
    max_delay_s: float = 30.0
    max_retry_after_s: float = 60.0

    def tries_another_model(self, kind: str) -> bool:
        """Whether the next model is asked after an error of class ``kind``; a used quota is like a refused key."""
        named = kind in self.next_model_on or (kind == "quota" and "credentials" in self.next_model_on)
        return named and kind not in self.stop_on


def fallback_rules(document: RoutingDocument) -> FallbackRules:
    """The rules of a document; what it leaves out keeps its default."""
    said, usual = document.fallback, FallbackRules()
    if said is None:
        return usual
    cooldown = said.cooldown
    return FallbackRules(
        attempts=said.attempts or usual.attempts,
        next_model_on=usual.next_model_on if said.next_model_on is None else frozenset(said.next_model_on),
        stop_on=usual.stop_on if said.stop_on is None else frozenset(said.stop_on),
        cooldown_after=cooldown.after if cooldown else usual.cooldown_after,
        cooldown_s=cooldown.for_ if cooldown else usual.cooldown_s,
        delay_s=usual.delay_s if said.delay is None else said.delay,
        max_delay_s=usual.max_delay_s if said.max_delay is None else said.max_delay,
        max_retry_after_s=usual.max_retry_after_s if said.max_retry_after is None else said.max_retry_after,
    )
