"""A learned score at its advised weight, put before the policy's own tests and everything that can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nano_flow.core.money import Money
from nano_flow.operations.place import Place
from nano_flow.operations.policy.comparing import compare_sides
from nano_flow.project.policies import Policies
from nano_flow.review.comparing import Broken
from nano_flow.review.revisions import Side
from nano_flow.routing.learned import LearnedScore
from nano_flow.testing.policy import PolicyCase, judge, read_policy_tests, tests_below

_RUNS = 50


@dataclass(frozen=True, slots=True)
class Guard:
    """What `policy test` and `policy diff` say of the policy with the learned score in it."""

    cases: int
    passed: int
    broken: Sequence[Broken]
    """Cases that pass without it and fail with it, and workflows that it refuses."""
    requests: int
    moved: int
    cost: tuple[Money, Money]
    """Expected, of all requests that are priced on both sides."""


def guard(place: Place, policies: Policies, score: LearnedScore, weight: float) -> Guard:
    """Run both; nothing is written or sent."""
    at = "the learned score"
    routing = replace(policies.routing, learned=score, learned_weight=weight, learned_at=at)
    head = replace(policies, routing=routing)
    cases = [case for path in tests_below(Path()) for case in _cases(path)]
    passed = sum(not judge(case, head) for case in cases)
    found = compare_sides(place, Side("in force", policies), Side(at, head), _RUNS)
    return Guard(
        cases=len(cases),
        passed=passed,
        broken=(*found.broken, *found.refused),
        requests=len(found.requests),
        moved=len(found.moved),
        cost=found.costs(),
    )


def _cases(path: Path) -> list[PolicyCase]:
    tests = read_policy_tests(path)
    return [] if tests.source.document.routing else tests.cases()
