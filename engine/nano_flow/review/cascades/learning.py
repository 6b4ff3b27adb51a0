"""Trains a score of replies beside the declared signals of a cascade, and suggests from where on to escalate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import floor

from nano_flow.core.errors import UsageError
from nano_flow.project.policies import Policies
from nano_flow.review.fitting import Prepared
from nano_flow.review.learning import Learning, need_the_library
from nano_flow.review.training import OUTER, HeldOut, train_rows
from nano_flow.routing.labels.outcomes import Outcome
from nano_flow.routing.labels.replies import ReplyExample, ReplyPair, make_reply_pair
from nano_flow.routing.learned import LearnedScore, interpolate
from nano_flow.routing.reading import read_text
from nano_flow.routing.replies.cascade import Cascade
from nano_flow.routing.replies.facts import reply_facts
from nano_flow.routing.replies.judged import JUDGED_FEATURES, judged_facts, unclamped
from nano_flow.routing.signals import MatchSignal

POINTS = 40


@dataclass(frozen=True, slots=True)
class Suggestion:
    """``escalate_at`` for a share of the gain, 19 times in 20, and the share of replies that it gives up."""

    recovers: float
    escalate_at: float
    strong_share: float


def learn_replies(
    outcomes: Sequence[Outcome], policies: Policies, weak: str | None = None, strong: str | None = None
) -> Learning:
    """Train on replies beside the declared signals of the cascade. Raises UsageError where that cannot be done."""
    need_the_library()
    cascade = policies.routing.cascade
    if cascade is None:
        raise UsageError(
            'routing.yaml has no "cascade": its declared signals are what a learned score is measured against;\n'
            "declare one, docs/routing.md has an example"
        )
    try:
        pair = make_reply_pair(outcomes, weak, strong)
    except ValueError as error:
        raise UsageError(str(error)) from None
    rows = reply_rows(pair.examples, cascade)
    if sum(row.gain for row in rows) <= 0:
        better = f'"{pair.strong}" is not right more often than "{pair.weak}"'
        raise UsageError(f"{better if pair.strong else 'no reply is wrong'}: there is nothing to learn")
    trained = train_rows(rows, reply_words(cascade))
    score = _by_share(trained.score, trained.held_out.scores)
    return Learning(pair, replace(trained, score=score, held_out=_as_given(trained.held_out, pair)))


def reply_rows(examples: Sequence[ReplyExample], cascade: Cascade) -> list[Prepared]:
    """Read every reply and its prompt once. Without groups, the replies to one prompt are a group."""
    rows = []
    for example in examples:
        prompt, reply = read_text(example.prompt), read_text(example.reply)
        facts = reply_facts(example.reply, example.prompt)
        declared = unclamped(cascade.scorer.score(facts, reply)[1])
        judged = judged_facts(facts, reply, prompt)
        rows.append(Prepared(reply, judged, declared, example.gain, example.group, JUDGED_FEATURES, example.prompt))
    return rows


def reply_words(cascade: Cascade) -> dict[str, frozenset[bytes]]:
    """The word lists of the cascade's signals: what trees may count in a reply."""
    signals = cascade.scorer.signals
    return {f"{s.name}_words": s.words for s in signals if isinstance(s, MatchSignal) and s.words}


def suggestions(learning: Learning) -> list[Suggestion]:
    """By a one-sided bound, from the scores of held-out replies: a point estimate would miss half of the time."""
    curve = learning.trained.score.curve
    return [
        Suggestion(found.target, floor(100 * interpolate(curve, found.score)) / 100, found.strong_share)
        for found in learning.trained.held_out.thresholds
    ]


def _by_share(score: LearnedScore, scores: Sequence[float]) -> LearnedScore:
    """A curve on which each point is a tenth of the held-out replies: from 7 on, three in ten are given up."""
    ranked = sorted(scores)
    points: dict[float, float] = {}
    for step in range(POINTS + 1):
        value = float(f"{ranked[round(step / POINTS * (len(ranked) - 1))]:.5g}")
        points.setdefault(value, round(10 * step / POINTS, 3))
    return replace(score, curve=tuple(points.items()))


def _as_given(held: HeldOut, pair: ReplyPair) -> HeldOut:
    return held if len({example.group for example in pair.examples}) >= OUTER else replace(held, grouped=False)
