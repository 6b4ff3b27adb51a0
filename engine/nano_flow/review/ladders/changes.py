"""Changes of a policy that labels may support: other thresholds, another first model of a tier, another `escalate_at`.

Each is judged by the worst that unknown outcomes allow. One half of the prompts, by a hash, chooses among them; the
other half alone says what the choice is worth, so that the best of many does not look better than it is.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from math import ceil

from nano_flow.core.refs import ModelRef
from nano_flow.project.policies import Policies
from nano_flow.review.ladders.climbing import Climber, Ends
from nano_flow.review.ladders.figures import Difference, difference
from nano_flow.review.ladders.known import Held
from nano_flow.review.thresholds import tier_of

ONE_SIDED_95 = 1.645
GRID = 24
"""Values that a threshold is tried at."""
LEAST = 30
"""Prompts in either half on which anything is said."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change: the tiers' new ``below``, or a tier's model that takes the first place, or a cascade's new mark."""

    below: tuple[float, ...] = ()
    first: tuple[str, str] | None = None
    """A tier, and the model of it that is asked first."""
    escalate_at: tuple[str, float] | None = None
    """A cascade's name ("" for the one of all policies), and its mark."""

    def of(self, policies: Policies) -> Policies:
        """The policies with it."""
        routing = policies.routing
        tiers = [
            replace(tier, below=below) for tier, below in zip(routing.tiers, (*self.below, None), strict=False)
        ] or list(routing.tiers)
        if self.first is not None:
            name, model = self.first
            ref = ModelRef.parse(model)
            tiers = [
                replace(t, models=(ref, *(m for m in t.models if m != ref))) if t.name == name else t for t in tiers
            ]
        routing = replace(routing, tiers=tuple(tiers))
        if self.escalate_at is not None:
            name, mark = self.escalate_at
            if name:
                cascades = {**routing.cascades, name: replace(routing.cascades[name], escalate_at=mark)}
                routing = replace(routing, cascades=cascades)
            elif routing.cascade is not None:
                routing = replace(routing, cascade=replace(routing.cascade, escalate_at=mark))
        return replace(policies, routing=routing)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change does to one prompt at worst: the gain in right answers (-1 to 1), and nano-dollars saved, at least
    and likely."""

    gain: float
    saved: float
    likely: float
    unknown: bool = False
    """Whether the worst is not known to be so."""


@dataclass(frozen=True, slots=True)
class Worth:
    """A change over some prompts: ``gain`` at worst, what it saves in nano-dollars, at least and likely."""

    prompts: int
    moved: int
    unknown: int
    gain: Difference
    bound: float
    """One-sided, 95 %: it loses no more than this."""
    saved: float
    likely: float
    spent: float
    """What the prompts cost under the policy in force, likely."""


def worth(effects: Sequence[Effect | None], spent: float) -> Worth:
    """Sum up; None is a prompt that the change leaves as it is."""
    gains = [0.0 if effect is None else effect.gain for effect in effects]
    touched = [effect for effect in effects if effect is not None]
    return Worth(
        prompts=len(effects),
        moved=len(touched),
        unknown=sum(effect.unknown for effect in touched),
        gain=difference(gains),
        bound=difference(gains, ONE_SIDED_95).low,
        saved=sum(effect.saved for effect in touched),
        likely=sum(effect.likely for effect in touched),
        spent=spent,
    )


def effect(before: Ends, after: Ends) -> Effect | None:
    """One prompt under both; None where nothing changes, or a price is not known."""
    if before == after or before.cost is None or after.cost is None:
        return None
    same = before.right == after.right
    gain = 0.0 if same and before.right[0] == before.right[2] else after.right[0] - before.right[2]
    unknown = before.right[0] != before.right[2] or after.right[0] != after.right[2]
    return Effect(gain, before.cost[0] - after.cost[2], before.cost[1] - after.cost[1], unknown)


def halves(held: Iterable[Held]) -> tuple[list[Held], list[Held]]:
    """One conversation for each prompt, by a hash of it: the same halves on every machine."""
    found: tuple[list[Held], list[Held]] = ([], [])
    for prompt, each in {each.prompt: each for each in held}.items():
        found[hashlib.sha256(prompt.encode()).digest()[0] % 2].append(each)
    return found


@dataclass(frozen=True, slots=True)
class Measured:
    """Conversations under the policy in force: how each ends, its score where that decides, and in each tier."""

    held: Sequence[Held]
    climber: Climber
    ends: Sequence[Ends]
    scores: Sequence[float | None]
    in_tiers: Sequence[Sequence[Ends]]

    @property
    def spent(self) -> float:
        """Likely, in nano-dollars."""
        return sum(ends.cost[1] for ends in self.ends if ends.cost is not None)

    def effects(self, change: Change) -> list[Effect | None]:
        """What it does to every prompt. Thresholds are looked up, anything else is climbed again."""
        if change.below:
            return [self._moved(place, change.below) for place in range(len(self.held))]
        climber = replace(self.climber, policies=change.of(self.climber.policies))
        after = [climber.climb(each).ends for each in self.held]
        return [effect(b, a) for b, a in zip(self.ends, after, strict=True)]

    def _moved(self, place: int, below: Sequence[float]) -> Effect | None:
        score = self.scores[place]
        if score is None:
            return None
        return effect(self.ends[place], self.in_tiers[place][tier_of(score, below)])


def measured(held: Sequence[Held], climber: Climber) -> Measured:
    """Climb every ladder once as it is, and once from each tier where the score decides which."""
    tiers = climber.policies.routing.tiers
    below = [tier.below for tier in tiers if tier.below is not None]
    ends, scores, in_tiers = [], [], []
    for each in held:
        climbed = climber.climb(each)
        decision = climbed.decision
        free = decision.requested == "auto" and not decision.cascade and decision.score is not None
        free = free and decision.tier == tiers[tier_of(decision.score or 0.0, below)].name
        ends.append(climbed.ends)
        scores.append(decision.score if free else None)
        in_tiers.append(
            [climbed.ends if tier.name == decision.tier else climber.climb(each, tier.name).ends for tier in tiers]
            if free
            else []
        )
    return Measured(held, climber, ends, scores, in_tiers)


def changes(found: Measured) -> Iterator[Change]:
    """Every change that is tried."""
    routing = found.climber.policies.routing
    current = tuple(tier.below for tier in routing.tiers if tier.below is not None)
    yield from _thresholds([score for score in found.scores if score is not None], current)
    known = {model for said in found.climber.knowledge.said.values() for each in said for model in each.right}
    for tier in routing.tiers:
        for ref in tier.models[1:]:
            if str(ref) in known:
                yield Change(first=(tier.name, str(ref)))
    cascades = {**routing.cascades, **({} if routing.cascade is None else {"": routing.cascade})}
    used = any(each.first.decision.get("cascade") for each in found.held)
    for name, cascade in cascades.items() if used else ():
        for mark in range(1, 11):
            if float(mark) != cascade.escalate_at:
                yield Change(escalate_at=(name, float(mark)))


def _thresholds(scores: Sequence[float], current: tuple[float, ...]) -> Iterator[Change]:
    """Marks between scores that occur, rounded so that a person can review them."""
    ranked = sorted(set(scores))
    between = sorted({round((low + high) / 2, 2) for low, high in pairwise(ranked)} | {10.5} if ranked else set())
    step = max(1, ceil(len(between) / GRID))
    marks = sorted({mark for mark in (*between[::step], *current) if mark > 0})
    places = range(len(current))
    for chosen in combinations(marks, len(current)) if len(current) < 3 else ():
        if chosen != current:
            yield Change(below=chosen)
    for place in places if len(current) >= 3 else ():
        for mark in marks:
            moved = (*current[:place], mark, *current[place + 1 :])
            if moved != current and all(a < b for a, b in pairwise(moved)):
                yield Change(below=moved)


def best(found: Measured, most_loss: float) -> tuple[Change, Worth] | None:
    """The change with the largest sure saving of those that lose nothing and, 19 times in 20, at most ``most_loss``."""
    chosen: tuple[Change, Worth] | None = None
    for change in changes(found):
        told = worth(found.effects(change), found.spent)
        fits = told.gain.value >= 0 and told.bound >= -most_loss and told.saved > 0
        if fits and (chosen is None or told.saved > chosen[1].saved):
            chosen = change, told
    return chosen


def likeliest(found: Measured) -> tuple[Change, Worth] | None:
    """The change that is likely to save most, whatever is known of what it loses: what more labels would be of."""
    tried = ((change, worth(found.effects(change), found.spent)) for change in changes(found))
    saving = [each for each in tried if each[1].likely > 0]
    return max(saving, key=lambda each: each[1].likely, default=None)


def missing(told: Worth, most_loss: float, share: float = 0.5) -> int:
    """How many more labelled prompts would do, where the outcomes that are known stay as they are."""
    changed = max(told.gain.changed - told.unknown, 1) / max(told.prompts, 1)
    return max(0, ceil(changed * (ONE_SIDED_95 / most_loss) ** 2 / share) - round(told.prompts / share))


def score_places(scores: Sequence[float], below: Sequence[float]) -> Mapping[int, int]:
    """How many scores each tier gets."""
    ranked = sorted(scores)
    marks = [0, *(bisect_left(ranked, mark) for mark in below), len(ranked)]
    return {place: high - low for place, (low, high) in enumerate(pairwise(marks))}
