"""The prompts of a step as they will be, as far as that is known before a run: one for each item of a given list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nano_flow.core.text import as_text
from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.pricing.forecast.visits import Evaluator, Visit
from nano_flow.routing.request import RouteDecision

MOST = 200
"""Items that are scored one by one."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What the prompts of a step are scored as: how many go to each tier, or the tiers that may come of a text that the
    run decides."""

    known: bool
    tiers: Mapping[str, int] = field(default_factory=dict)
    """In rising order; counts are of prompts, 0 where the text is not known."""
    scores: tuple[float, float] | None = None
    """The lowest and the highest."""


def prompts_of(visit: Visit, spec: PlannedPrompt) -> list[str] | None:
    """System and prompt, for each item where its list is known; None where the run decides what they say."""
    whole = _rendered(visit.known, spec)
    if whole is not None:
        return [whole]
    name = visit.item_name
    if name is None or name not in visit.items:
        return None
    texts = [_rendered(visit.known.with_item(name, item), spec) for item in visit.items[name][:MOST]]
    known = [text for text in texts if text is not None]
    return known if known and len(known) == len(texts) else None


def _rendered(known: Evaluator, spec: PlannedPrompt) -> str | None:
    parts = []
    for template in (spec.system, spec.prompt):
        if template is not None:
            found = known.value(template)
            if found is None:
                return None
            parts.append(as_text(found.value))
    return None if spec.conversation is not None or spec.attachments else "\n\n".join(parts)


def reach_of(decisions: Sequence[RouteDecision], order: Sequence[str]) -> Reach:
    """Of prompts whose text is known."""
    counted = Counter(decision.tier or "none" for decision in decisions)
    scores = [decision.score for decision in decisions if decision.score is not None]
    ranked = sorted(counted, key=lambda tier: order.index(tier) if tier in order else -1)
    return Reach(True, {tier: counted[tier] for tier in ranked}, (min(scores), max(scores)) if scores else None)
