"""Everybody who ranks prompts here: random, length, LiteLLM's router, ours as shipped, ours trained, the oracle."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.routing.data import OutcomeSet
from nano_flow.bundled import bundled_path
from nano_flow.locate import POLICY_NAMES, PolicyFile
from nano_flow.project.policies import Policies, read_policies
from nano_flow.review.fitting import RECIPES, Prepared, fit_parts
from nano_flow.review.learning import word_groups
from nano_flow.review.training import measure, prepare
from nano_flow.routing.facts import gather
from nano_flow.routing.labels.measures import apgr
from nano_flow.routing.labels.outcomes import Example
from nano_flow.routing.reading import read_text

Scores = list[float]


def shipped() -> Policies:
    """The policies that ship."""
    return read_policies([PolicyFile(name, bundled_path(name), "bundled") for name in POLICY_NAMES])


def declared(prompts: Sequence[str], policies: Policies) -> Scores:
    """Ours, as shipped."""
    scores = []
    for prompt in prompts:
        reading = read_text(prompt)
        scores.append(policies.routing.complexity(gather(reading), reading)[0])
    return scores


def litellm(prompts: Sequence[str]) -> Scores | None:
    """LiteLLM's own complexity router, by its own code; None where it is not installed."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    try:
        from litellm.router_strategy.complexity_router.complexity_router import ComplexityRouter
    except ImportError:
        return None
    router = ComplexityRouter("bench", None)  # type: ignore[arg-type]
    return [router.classify(prompt)[1] for prompt in prompts]


def length(prompts: Sequence[str]) -> Scores:
    """The prompt's length."""
    return [float(len(prompt)) for prompt in prompts]


def chance(prompts: Sequence[str]) -> Scores:
    """At random."""
    draw = random.Random(7)
    return [draw.random() for _ in prompts]


@dataclass(frozen=True, slots=True)
class TrainedFigures:
    """APGR of ours trained, on prompts that it did not see."""

    random_split: float | None
    by_group: float | None


def trained(outcomes: OutcomeSet, policies: Policies) -> TrainedFigures:
    """Cross-validated on one set: at random, and by group where there are groups."""
    rows, groups = prepared(outcomes, policies), word_groups(policies)
    at_random = measure(rows, groups, by_group=False).learned.apgr
    grouped = measure(rows, groups) if len(set(outcomes.groups)) >= 5 else None
    return TrainedFigures(at_random, grouped.learned.apgr if grouped else None)


def across(source: OutcomeSet, target: OutcomeSet, policies: Policies) -> float | None:
    """Trained on all of ``source``, measured on all of ``target``."""
    model = fit_parts(prepared(source, policies), word_groups(policies)).combine(RECIPES[0])
    rows = prepared(target, policies)
    return apgr([model.raw(row.facts, row.reading, row.declared) for row in rows], target.gains)


def prepared(outcomes: OutcomeSet, policies: Policies) -> list[Prepared]:
    """The rows of a set, read."""
    examples = [
        Example(prompt, gain, group)
        for prompt, gain, group in zip(outcomes.prompts, outcomes.gains, outcomes.groups, strict=True)
    ]
    score: Callable[..., float] = lambda facts, reading: policies.routing.scorer.score(facts, reading)[0]  # noqa: E731
    return prepare(examples, score)
