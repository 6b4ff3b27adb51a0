"""A routing policy as frozen values: tiers, chains, rules, and the rule that a request meets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json
from nano_flow.core.refs import ModelRef
from nano_flow.routing.facts import FEATURES, Facts
from nano_flow.routing.learned import LearnedScore
from nano_flow.routing.reading import Reading
from nano_flow.routing.replies.cascade import Cascade
from nano_flow.routing.request import Chooser
from nano_flow.routing.signals import Scorer, SignalPoints
from nano_flow.routing.within import WordList
from nano_flow.routing.words.tags import as_declared

Condition = Callable[[Mapping[str, Json]], bool]
"""A compiled ``when``: true or false for the facts as plain data; raises StepError where it cannot be evaluated."""

SEEN_BESIDE = ("tags", "language", "complexity", "tier", "model", "signals", "kind", "personal", "prompt")
CONDITION_NAMES = frozenset({*FEATURES, *SEEN_BESIDE})
"""What a rule's condition sees."""

FallbackChoice = tuple[ModelRef, ...] | str | Literal[False] | None
"""Models, a chain's name, False for none, None for what the tiers say."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Models for one range of scores, in order; ``below`` None is the last."""

    name: str
    below: float | None
    models: tuple[ModelRef, ...]
    at: str = ""
    strength: float | None = None
    """What a model is able for that is chosen by price or time."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Where ``condition`` holds (None: always), decides before the tiers do."""

    condition: Condition | None = None
    providers: tuple[str, ...] = ()
    tier: str | None = None
    chain: str | None = None
    models: tuple[ModelRef, ...] = ()
    fallback: FallbackChoice = None
    choose: str | None = None
    because: str = ""
    at: str = ""
    keeps_prompts: bool = True
    """Whether what is asked where it holds is kept for reports."""
    decides: bool = True
    """Whether it says anything of the model; one that does not leaves that to the rules below it."""

    def restriction(self) -> str:
        """Whom the rule admits, where it stands, and why."""
        who = f"{self.at or 'a rule'} admits only {', '.join(self.providers)}"
        return f"{who}: {self.because}" if self.because else who

    def points(self) -> SignalPoints:
        """The rule as a reason: it gives no points, it decides."""
        return SignalPoints(f"rule: {self.because}" if self.because else "rule", 0.0, self.at)


@dataclass(frozen=True, slots=True)
class Kind:
    """A family of tasks: one of its words occurs in what is asked, and its condition holds."""

    name: str
    listed: WordList
    within: str = "ask"
    condition: Condition | None = None
    tier: str | None = None
    floor: str | None = None
    models: tuple[ModelRef, ...] = ()
    at: str = ""

    def found(self, names: Mapping[str, Json], reading: Reading) -> tuple[str, ...] | None:
        """The words that tell it, where it holds; None where it does not."""
        words = self.listed.found(getattr(reading.asked, self.within)) if self.listed else []
        if self.listed and not words:
            return None
        return tuple(sorted(words)) if self.condition is None or self.condition(names) else None


@dataclass(frozen=True, slots=True)
class PolicyRules:
    """A named set of rules, and the way to order a tier's models."""

    name: str = "default"
    rules: tuple[Rule, ...] = ()
    choose: str = "first"
    cascade: str | Literal[False] | None = None
    """The name of a cascade, False for none, None for the one of all policies."""

    def match(self, names: Mapping[str, Json]) -> Rule | None:
        """The first rule that decides and holds."""
        for rule in self.rules:
            if rule.decides and (rule.condition is None or rule.condition(names)):
                return rule
        return None

    def silencing(self, names: Mapping[str, Json]) -> Rule | None:
        """The first rule that holds and forbids to keep what is asked."""
        for rule in self.rules:
            if not rule.keeps_prompts and (rule.condition is None or rule.condition(names)):
                return rule
        return None


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """All of ``routing.yaml``. ``tiers`` rise; there is at least one."""

    scorer: Scorer[Facts]
    tiers: tuple[Tier, ...]
    chains: Mapping[str, tuple[ModelRef, ...]] = field(default_factory=dict)
    policies: Mapping[str, PolicyRules] = field(default_factory=dict)
    downgrade_to: str | None = None
    max_price_ratio: float = 10.0
    learned: LearnedScore | None = None
    learned_weight: float = 0.0
    learned_at: str = ""
    cascade: Cascade | None = None
    cascades: Mapping[str, Cascade] = field(default_factory=dict)
    kinds: tuple[Kind, ...] = ()
    sees: frozenset[str] = frozenset()
    """What conditions refer to beside facts: it is found out only where one does."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Every declared tag by its lower-case form."""
    choosers: Mapping[str, Chooser] = field(default_factory=dict)
    """Ways to choose that installed packages add, as far as the policy names them."""

    @property
    def signal_names(self) -> tuple[str, ...]:
        """Of all signals, those of bare questions too."""
        own, questions = self.scorer.signals, self.scorer.questions
        return tuple(s.name for s in (*own, *(questions.scorer.signals if questions else ())))

    def complexity(self, facts: Facts, reading: Reading) -> tuple[float, tuple[SignalPoints, ...]]:
        """The score of a request, 0 to 10, and what made it."""
        declared, because = self.scorer.score(facts, reading)
        if self.learned is None or not self.learned_weight:
            return declared, because
        learned = self.learned.score(facts, reading, declared)
        moved = (learned - declared) * self.learned_weight
        return declared + moved, (*because, SignalPoints("learned", moved, self.learned_at))

    def tier_for(self, score: float) -> int:
        """The place of the first tier whose ``below`` exceeds ``score``; the last has none."""
        for place, tier in enumerate(self.tiers):
            if tier.below is None or score < tier.below:
                return place
        return len(self.tiers) - 1

    def tier_place(self, name: str) -> int | None:
        """The place of the tier ``name``, from 0, the lowest."""
        return next((place for place, tier in enumerate(self.tiers) if tier.name == name), None)

    def tier_of(self, ref: ModelRef) -> int | None:
        """The lowest tier that lists ``ref``."""
        return next((place for place, tier in enumerate(self.tiers) if ref in tier.models), None)

    def is_above(self, ref: ModelRef, tier: str | None) -> bool:
        """Whether ``ref`` belongs to a tier above ``tier``."""
        place, own = self.tier_place(tier) if tier else None, self.tier_of(ref)
        return place is not None and own is not None and own > place

    def chain_after(self, ref: ModelRef) -> tuple[ModelRef, ...]:
        """What follows ``ref`` in the first chain that holds it; empty where none does."""
        for chain in self.chains.values():
            if ref in chain:
                return chain[chain.index(ref) + 1 :]
        return ()

    def forbidding(self, policy: str, model: ModelRef, tags: Sequence[str]) -> Rule | None:
        """The rule that surely keeps ``model`` from a step with ``tags``; None where no rule, or the run, decides.

        Rules are looked at as far as tags alone decide them: the first that needs to know more may match or not.
        """
        names: dict[str, Json] = {"tags": list(as_declared(tags, self.tags)), "model": str(model)}
        try:
            rule = self.rules_of(policy).match(names)
        except StepError:
            return None
        return rule if rule is not None and rule.providers and model.provider not in rule.providers else None

    def cascade_of(self, policy: str) -> Cascade | None:
        """The cascade of the named policy: its own, else the one of all."""
        named = self.rules_of(policy).cascade
        return self.cascade if named is None else self.cascades.get(named) if named else None

    def rules_of(self, policy: str) -> PolicyRules:
        """The named policy; ``default`` always exists."""
        found = self.policies.get(policy)
        if found is not None:
            return found
        return PolicyRules() if policy == "default" else self.policies.get("default", PolicyRules())
