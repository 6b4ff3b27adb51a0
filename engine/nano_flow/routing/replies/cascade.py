"""Judges the reply of a lower tier, so that a higher one is paid for only where it is needed (pure)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nano_flow.routing.learned import LearnedScore
from nano_flow.routing.reading import Reading, read_text
from nano_flow.routing.replies.facts import ReplyFacts
from nano_flow.routing.replies.judged import judged_facts, unclamped
from nano_flow.routing.signals import Scorer, SignalPoints

MAX_SAMPLES = 5
"""Replies of one tier to one question, the first included."""


@dataclass(frozen=True, slots=True)
class Cascade:
    """``tiers`` rise; from ``escalate_at`` on a reply is given up for the next tier's."""

    tiers: tuple[str, ...]
    scorer: Scorer[ReplyFacts]
    escalate_at: float
    samples: int = 1
    at: str = ""
    learned: LearnedScore | None = None
    learned_weight: float = 0.0
    learned_at: str = ""

    def next_tier(self, tier: str) -> str | None:
        """The tier to ask where the reply of ``tier`` does not do; None at the top or outside the cascade."""
        place = self.tiers.index(tier) + 1 if tier in self.tiers else len(self.tiers)
        return self.tiers[place] if place < len(self.tiers) else None

    def judge(self, facts: ReplyFacts, reading: Reading, prompt: Reading | None = None) -> Judgement:
        """What the reply's facts say; ``reading`` is of the reply's text, ``prompt`` of what was asked.

        A learned score takes its share of what was counted in labelled replies, too; what signals give for facts that
        no labelled reply has, such as ``agreement``, comes on top.
        """
        score, because = self.scorer.score(facts, reading)
        if self.learned is not None and self.learned_weight:
            labelled = replace(facts, agreement=None, json_valid=None)
            declared, counted = self.scorer.score(labelled, reading)
            judged = judged_facts(labelled, reading, prompt or read_text(""))
            learned = _held(self.learned.score(judged, reading, unclamped(counted)))
            moved = (learned - declared) * self.learned_weight
            score = _held(declared + moved + unclamped(because) - unclamped(counted))
            because = (*because, SignalPoints("learned", moved, self.learned_at))
        return Judgement(score, score >= self.escalate_at, because)


def _held(score: float) -> float:
    return min(10.0, max(0.0, score))


@dataclass(frozen=True, slots=True)
class Judgement:
    """A reply's score, 0 (keep) to 10, and whether the next tier is to be asked."""

    score: float
    escalate: bool
    because: tuple[SignalPoints, ...]
