"""Conversations under two policies by group: who is asked first, and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from nano_flow.core.messages import Json
from nano_flow.core.money import Money, usd
from nano_flow.review.ladders.climbing import Climbed
from nano_flow.review.ladders.known import Held


@dataclass(slots=True)
class Group:
    """The conversations of a step, or with a tag. Costs are sums over those that are priced on both sides."""

    conversations: int = 0
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    """Who is asked first, by conversation."""
    cost_before: float = 0.0
    cost_after: tuple[float, float, float] = (0.0, 0.0, 0.0)
    unpriced: int = 0
    """Calls of conversations that are left out of the costs."""
    right_before: list[float] = field(default_factory=list)
    right_after: list[tuple[float, float]] = field(default_factory=list)

    def add(self, held: Held, climbed: Climbed) -> None:
        """One more conversation."""
        self.conversations += 1
        self.before[held.parts[0].model if held.parts else str(held.first.decision.get("model"))] += 1
        self.after[climbed.first] += 1
        paid, costs = cost_of(held), climbed.ends.cost
        if paid is not None and costs is not None:
            self.cost_before += paid
            low, likely, high = (so_far + cost for so_far, cost in zip(self.cost_after, costs, strict=True))
            self.cost_after = (low, likely, high)
        else:
            self.unpriced += sum(len(part.replies) for part in held.parts)
        if held.outcome is not None:
            self.right_before.append(held.outcome)
            self.right_after.append((climbed.ends.right[0], climbed.ends.right[2]))

    def as_json(self) -> dict[str, Json]:
        """For machines."""
        low, likely, high = self.cost_after
        labelled = len(self.right_before)
        lows, highs = (sum(pair[end] for pair in self.right_after) for end in (0, 1))
        return {
            "conversations": self.conversations,
            **self.as_json_shares(),
            "cost_usd": {
                "before": usd(Money(round(self.cost_before))),
                "after": usd(Money(round(likely))),
                "after_low": usd(Money(round(low))),
                "after_high": usd(Money(round(high))),
            },
            "labelled": labelled,
            "right": {
                "before": round(sum(self.right_before) / labelled, 4),
                "all_fail": round(lows / labelled, 4),
                "all_pass": round(highs / labelled, 4),
            }
            if labelled
            else None,
        }

    def as_json_shares(self) -> dict[str, Json]:
        """Who is asked first, and how often."""
        return {"models": {"before": shares(self.before), "after": shares(self.after)}}


def cost_of(held: Held) -> float | None:
    """What its replies and its judges' cost, in nano-dollars; None where a price is unknown, or nothing was replied."""
    costs = [reply.cost for part in held.parts for reply in part.replies]
    costs += [call.cost for call in held.judged if call.usage is not None]
    known = [float(cost) for cost in costs if cost is not None]
    return sum(known) if known and len(known) == len(costs) else None


def shares(counted: Mapping[str, int]) -> dict[str, Json]:
    """Parts of one, the largest first."""
    total = sum(counted.values())
    return {
        name: round(count / total, 4) for name, count in sorted(counted.items(), key=lambda each: (-each[1], each[0]))
    }


@dataclass(frozen=True, slots=True)
class Grouped:
    """All conversations, and those of each step and tag."""

    whole: Group
    steps: Mapping[str, Group]
    tags: Mapping[str, Group]


def grouped(climbs: Iterable[tuple[Held, Climbed]]) -> Grouped:
    """Put every conversation where it belongs."""
    whole, steps, tags = Group(), dict[str, Group](), dict[str, Group]()
    for held, climbed in climbs:
        whole.add(held, climbed)
        steps.setdefault(held.step, Group()).add(held, climbed)
        for tag in held.first.facts.step.tags:
            tags.setdefault(tag, Group()).add(held, climbed)
    return Grouped(whole, steps, tags)
