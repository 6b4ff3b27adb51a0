"""Why models may not answer: the kinds of reasons, which of them is told first, and equal ones told once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from nano_flow.core.messages import Json
from nano_flow.core.refs import ModelRef

RefusalKind = Literal[
    "unknown",
    "offline",
    "simulated",
    "provider",
    "ability",
    "params",
    "window",
    "credentials",
    "cooling",
    "price",
    "budget",
    "fallback",
]

OF_MONEY = frozenset({"budget", "price"})
"""Refusals for the sake of a budget."""
BESIDE_THE_POINT = frozenset({"simulated", "offline", "fallback"})
"""Refusals that say nothing of what is missing."""
_CAUSES: Mapping[RefusalKind, str] = {
    "budget": "the worst case of the call is above what is left of the budget",
    "credentials": "no key is set",
    "provider": "a rule or the step admits only other providers",
    "ability": "no model has the abilities that the step needs",
    "params": "no model takes the parameters of the step",
    "window": "the prompt does not fit the context window",
    "cooling": "the models that may answer are cooling down after failures",
    "price": "a model without a price is not asked under a budget",
    "unknown": "the model is not declared",
}
"""Reasons by rank: the first of them that is there is the cause."""

_NAMED = 3
"""Models of one reason that are named; more of them are counted."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a model is no candidate."""

    model: ModelRef
    kind: RefusalKind
    reason: str

    def as_json(self) -> dict[str, Json]:
        """As in ``refused`` of a decision."""
        return {"model": str(self.model), "reason": self.reason}


def cause(refused: Iterable[Refusal]) -> RefusalKind | None:
    """The kind of the true cause: the first by rank that is there."""
    kinds = {refusal.kind for refusal in refused}
    return next((kind for kind in _CAUSES if kind in kinds), None)


def told(refused: Sequence[Refusal]) -> tuple[str, str]:
    """The true cause as the beginning of a sentence, and every refusal, a line for each reason, the cause first."""
    first = cause(refused)
    counted = [refusal for refusal in refused if refusal.kind not in BESIDE_THE_POINT] or refused
    by_reason: dict[str, list[Refusal]] = {}
    for refusal in sorted(counted, key=_rank):
        short = refusal.kind == "credentials" and first != "credentials"
        by_reason.setdefault("no credentials" if short else refusal.reason, []).append(refusal)
    lines = "".join(f"\n  {_models(each)}: {reason}" for reason, each in by_reason.items())
    return f"{_CAUSES[first]}: " if first else "", lines or " nothing is listed"


def _rank(refusal: Refusal) -> int:
    ranks = list(_CAUSES)
    return ranks.index(refusal.kind) if refusal.kind in ranks else len(ranks)


def _models(refused: Sequence[Refusal]) -> str:
    names = [str(refusal.model) for refusal in refused]
    return ", ".join(names) if len(names) <= _NAMED else f"{len(names)} models"
