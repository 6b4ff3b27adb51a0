"""What recorded calls would have cost and taken under another policy, and how good the answers would be."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nano_flow.core.messages import Json
from nano_flow.core.money import Money, usd
from nano_flow.project.policies import Policies
from nano_flow.review.asking import world_of
from nano_flow.review.labelled.quality import Quality, quality
from nano_flow.review.recorded import RecordedCall, decide_again, expected_cost
from nano_flow.routing.labels.outcomes import Outcome
from nano_flow.routing.request import RouteDecision


@dataclass(frozen=True, slots=True)
class Replay:
    """Recorded calls under a candidate policy: sums over calls that are priced on both sides, means of seconds."""

    policy: str
    calls: int
    moved: int
    tiers: Mapping[str, int]
    tiers_before: Mapping[str, int]
    cost_before: Money
    cost_after: Money
    unpriced: int
    seconds_before: float | None
    seconds_after: float | None
    unsure: int
    quality: Quality | None = None

    def as_json(self) -> dict[str, Json]:
        """The fields of ``nano-flow/policy-replay@1``."""
        return {
            "policy": self.policy,
            "calls": self.calls,
            "moved": self.moved,
            "tiers": {"before": {**self.tiers_before}, "after": {**self.tiers}},
            "cost_usd": {"before": usd(self.cost_before), "after": usd(self.cost_after)},
            "unpriced_calls": self.unpriced,
            "duration_s": {"before": self.seconds_before, "after": self.seconds_after},
            "unsure_calls": self.unsure,
            "quality": None if self.quality is None else self.quality.as_json(),
        }


def replay(
    name: str,
    calls: Sequence[tuple[RecordedCall, frozenset[str] | None]],
    policies: Policies,
    labels: Sequence[Outcome] = (),
) -> Replay:
    """Decide every recorded call again; sends nothing."""
    now = time.time()
    world = world_of(policies, now)
    latency = _latencies([call for call, _ in calls])
    tiers: dict[str, int] = {}
    before: dict[str, int] = {}
    costs: list[tuple[Money, Money]] = []
    seconds: list[tuple[float, float]] = []
    moved = unpriced = unsure = 0
    for call, known in calls:
        again = decide_again(call, policies, world, known)
        chosen = again.decision.model
        unsure += bool(again.unsure)
        moved += _moved(call, again.decision)
        tiers[again.decision.tier or "none"] = tiers.get(again.decision.tier or "none", 0) + 1
        was = str(call.decision.get("tier") or "none")
        before[was] = before.get(was, 0) + 1
        new = expected_cost(call, chosen, policies, now)
        if call.cost is None or new is None:
            unpriced += call.usage is not None
        else:
            costs.append((call.cost, new))
        card = policies.catalogue.model(chosen) if chosen else None
        took = latency.get(str(chosen), card.total_s if card else None)
        if call.usage is not None and took is not None:
            seconds.append((call.duration_s, took))
    return Replay(
        policy=name,
        calls=len(calls),
        moved=moved,
        tiers=tiers,
        tiers_before=before,
        cost_before=Money(sum(old for old, _ in costs)),
        cost_after=Money(sum(new for _, new in costs)),
        unpriced=unpriced,
        seconds_before=_mean([old for old, _ in seconds]),
        seconds_after=_mean([new for _, new in seconds]),
        unsure=unsure,
        quality=quality(calls, labels, policies, now),
    )


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
