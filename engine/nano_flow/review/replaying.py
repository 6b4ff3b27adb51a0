"""What recorded calls would have cost and taken under another policy, and how good the answers would be."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nano_flow.core.messages import Json
from nano_flow.core.money import Money, usd
from nano_flow.project.policies import Policies
from nano_flow.review.asking import world_of
from nano_flow.review.ladders.climbing import Climber
from nano_flow.review.ladders.figures import Compared
from nano_flow.review.ladders.known import Knowledge, held_of
from nano_flow.review.ladders.quality import Quality, told_by_labels
from nano_flow.review.ladders.shares import Grouped, grouped
from nano_flow.review.recorded import RecordedCall, decide_again
from nano_flow.routing.labels.outcomes import Outcome
from nano_flow.routing.request import RouteDecision


@dataclass(frozen=True, slots=True)
class Replay:
    """Recorded calls under a candidate policy: sums over conversations priced on both sides, means of seconds.

    ``cost_bounds`` are the least and the most that the conversations may have cost: where it is not known how a model
    would have done, its reply passes, or all of the ladder above it is paid. ``cost_after`` takes each model to pass as
    often as it does where it was asked first.
    """

    policy: str
    calls: int
    moved: int
    tiers: Mapping[str, int]
    tiers_before: Mapping[str, int]
    cost_before: Money
    cost_after: Money
    cost_bounds: tuple[Money, Money]
    unpriced: int
    seconds_before: float | None
    seconds_after: float | None
    unsure: int
    texts: int
    """Calls whose prompt was kept, and scored again."""
    groups: Grouped
    quality: Quality | None = None
    compared: Compared | None = None

    def as_json(self) -> dict[str, Json]:
        """The fields of ``nano-flow/policy-replay@1``."""
        low, high = self.cost_bounds
        quality: dict[str, Json] | None = None
        if self.quality is not None and self.compared is not None:
            quality = {**self.quality.as_json(), **self.compared.as_json()}
        return {
            "policy": self.policy,
            "calls": self.calls,
            "moved": self.moved,
            "tiers": {"before": {**self.tiers_before}, "after": {**self.tiers}},
            "cost_usd": {
                "before": usd(self.cost_before),
                "after": usd(self.cost_after),
                "after_low": usd(low),
                "after_high": usd(high),
            },
            "unpriced_calls": self.unpriced,
            "duration_s": {"before": self.seconds_before, "after": self.seconds_after},
            "unsure_calls": self.unsure,
            "kept_texts": self.texts,
            **self.groups.whole.as_json_shares(),
            "by_step": {name: group.as_json() for name, group in self.groups.steps.items()},
            "by_tag": {name: group.as_json() for name, group in self.groups.tags.items()},
            "quality": quality,
        }


def replay(
    name: str,
    calls: Sequence[tuple[RecordedCall, frozenset[str] | None]],
    policies: Policies,
    labels: Sequence[Outcome] = (),
) -> Replay:
    """Decide every recorded call again, and climb the ladder of every conversation; sends nothing."""
    now = time.time()
    held = held_of(calls)
    climber = Climber(policies, Knowledge(held, labels), now)
    groups = grouped((each, climber.climb(each)) for each in held)
    decided = _decided(calls, policies, now)
    told = told_by_labels(held, labels, policies, now)
    low, likely, high = (Money(round(cost)) for cost in groups.whole.cost_after)
    return Replay(
        policy=name,
        calls=len(calls),
        moved=decided.moved,
        tiers=decided.tiers,
        tiers_before=decided.before,
        cost_before=Money(round(groups.whole.cost_before)),
        cost_after=likely,
        cost_bounds=(low, high),
        unpriced=groups.whole.unpriced,
        seconds_before=_mean([old for old, _ in decided.seconds]),
        seconds_after=_mean([new for _, new in decided.seconds]),
        unsure=decided.unsure,
        texts=sum(call.kept is not None for call, _ in calls),
        groups=groups,
        quality=None if told is None else told.quality,
        compared=None if told is None else told.compared,
    )


@dataclass(slots=True)
class _Decided:
    """Every call decided again, one by one."""

    moved: int
    unsure: int
    tiers: dict[str, int]
    before: dict[str, int]
    seconds: list[tuple[float, float]]


def _decided(calls: Sequence[tuple[RecordedCall, frozenset[str] | None]], policies: Policies, now: float) -> _Decided:
    world, latency = world_of(policies, now), _latencies([call for call, _ in calls])
    found = _Decided(0, 0, {}, {}, [])
    for call, known in calls:
        again = decide_again(call, policies, world, known)
        chosen = again.decision.model
        found.unsure += bool(again.unsure)
        found.moved += _moved(call, again.decision)
        found.tiers[again.decision.tier or "none"] = found.tiers.get(again.decision.tier or "none", 0) + 1
        was = str(call.decision.get("tier") or "none")
        found.before[was] = found.before.get(was, 0) + 1
        card = policies.catalogue.model(chosen) if chosen else None
        took = latency.get(str(chosen), card.total_s if card else None)
        if call.usage is not None and took is not None:
            found.seconds.append((call.duration_s, took))
    return found


def _moved(call: RecordedCall, now: RouteDecision) -> bool:
    """Whether another model would answer; of a simulated call, whether another tier would."""
    if call.simulated:
        return now.tier != call.decision.get("tier")
    return str(now.model) != str(call.decision.get("model"))


def _latencies(calls: Sequence[RecordedCall]) -> dict[str, float]:
    """Mean seconds of the recorded replies, by model."""
    by_model: dict[str, list[float]] = {}
    for call in calls:
        if call.usage is not None:
            by_model.setdefault(call.model, []).append(call.duration_s)
    return {model: sum(values) / len(values) for model, values in by_model.items()}


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 3) if values else None
