"""Recorded conversations whose replies were checked: how each began, and what was said of each model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nano_flow.core.calls import TURNS_PER_GENERATION
from nano_flow.core.refs import path_of
from nano_flow.review.recorded import RecordedCall
from nano_flow.routing.labels.conversations import Conversation

Known = tuple[RecordedCall, frozenset[str] | None]
"""A call, and the words that its policy looked for (None: not known)."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One checked conversation: its first call, the words that the policy looked for in it, and its outcomes."""

    first: RecordedCall
    looked_for: frozenset[str] | None
    said: Conversation
    replies: int
    simulated: bool


def conversations(calls: Iterable[Known]) -> list[list[Known]]:
    """The calls by conversation, in their order: those of one execution of a step are one, each retry another."""
    held: dict[tuple[str, str, int], list[Known]] = {}
    for call, looked_for in calls:
        place = (call.run_id, call.address, call.turn // TURNS_PER_GENERATION)
        held.setdefault(place, []).append((call, looked_for))
    return [sorted(known, key=lambda each: each[0].turn) for known in held.values()]


def labelled(calls: Iterable[Known]) -> list[Labelled]:
    """The checked conversations among ``calls``."""
    found = []
    for known in conversations(calls):
        checks = [call.checked for call, _ in known if call.checked is not None]
        if checks:
            first, looked_for = known[0]
            right = {check.model: float(check.passed) for check in checks}
            said = Conversation(checks[0].prompt_digest, right, path_of(first.address))
            found.append(Labelled(first, looked_for, said, len(checks), any(check.simulated for check in checks)))
    return found
