"""A cascade on GSM8K, whose answers are known: what the cheap reply tells, and the cost at equal quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.routing.data import OutcomeSet
from bench.routing.routers import shipped
from nano_flow.review.cascades.learning import reply_rows, reply_words
from nano_flow.review.training import measure
from nano_flow.routing.labels.measures import cpt
from nano_flow.routing.labels.replies import ReplyExample
from nano_flow.routing.reading import read_text
from nano_flow.routing.replies.cascade import Cascade
from nano_flow.routing.replies.facts import reply_facts
from nano_flow.routing.replies.judged import unclamped

RATIOS = (0.01, 0.1, 0.3)
"""Price of a cheap call for each dollar of a dear one."""


@dataclass(frozen=True, slots=True)
class EqualQuality:
    """Cost of ``share`` of the gain, in dear calls a prompt; a cascade pays every cheap call, a router only its own."""

    share: float
    ratio: float
    router: float
    cascade: float


def shipped_cascade() -> Cascade:
    """The cascade that ships."""
    return shipped().routing.cascades["cascade"]


def declared_scores(outcomes: OutcomeSet, cascade: Cascade) -> list[float]:
    """The score of each cheap reply, before it is clamped to 0 … 10: clamping would make ties."""
    scores = []
    for prompt, reply in zip(outcomes.prompts, outcomes.replies, strict=True):
        facts, reading = reply_facts(reply, prompt), read_text(reply)
        scores.append(unclamped(cascade.scorer.score(facts, reading)[1]))
    return scores


def trained_scores(outcomes: OutcomeSet, cascade: Cascade) -> list[float]:
    """What `policy train --cascade` learns, cross-validated in five parts."""
    columns = (outcomes.prompts, outcomes.gains, outcomes.groups, outcomes.replies)
    rows = reply_rows([ReplyExample(*row) for row in zip(*columns, strict=True)], cascade)
    return list(measure(rows, reply_words(cascade)).scores)


def equal_quality(router: Sequence[float], cascade: Sequence[float], gains: Sequence[float]) -> list[EqualQuality]:
    """Cost of half and of four fifths of the gain, by price ratio."""
    found = []
    for share in (0.5, 0.8):
        by_router, by_cascade = cpt(router, gains, share) or 1.0, cpt(cascade, gains, share) or 1.0
        for ratio in RATIOS:
            cost = by_router + (1 - by_router) * ratio
            found.append(EqualQuality(share, ratio, round(cost, 3), round(ratio + by_cascade, 3)))
    return found
