"""What a plan comes to: whether it fits its budget, what a run spends at most, what makes that, what takes long."""

from __future__ import annotations

from typing import Literal

from nano_flow.core.money import Money
from nano_flow.plan.analysis import critical_path
from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.pricing.forecast.estimate import StepEstimate
from nano_flow.project.money.estimating import PlanReport

Fits = Literal["always", "likely", "no"]
LARGE_SHARE = 0.4
"""From this share of the bound on a single step is named."""
_OTHERS_S = 0.1
"""Seconds that a step without a model is taken to need: so that of equal chains the longer one counts."""


def fits(report: PlanReport) -> Fits | None:
    """Whether the plan fits its budget: ``always`` no run can exceed it; None without a budget."""
    budget, cost = report.budget, report.estimate.cost
    if budget is None:
        return None
    if report.estimate.fits(budget) and not report.estimate.unpriced:
        return "always"
    return "likely" if cost.likely is not None and cost.likely <= budget and "budget" not in report.obstacles else "no"


def at_most(report: PlanReport) -> Money | None:
    """What a run spends at most: its bound or its budget, whichever is smaller; None where neither is known."""
    known = [Money(amount) for amount in (report.estimate.cost.high, report.budget) if amount is not None]
    return min(known, default=None)


def of_the_bound(report: PlanReport) -> str:
    """The step that makes most of the bound, and what narrows it; nothing where no step stands out."""
    whole = report.estimate.cost.high
    priced = [step for step in report.estimate.steps if step.cost.high]
    unbounded = [step for step in report.estimate.steps if step.cost.high is None]
    if unbounded:
        return f'"{unbounded[0].visit.path}" has no bound: {_narrowing(unbounded[0])}'
    if not whole or not priced:
        return ""
    largest = max(priced, key=lambda step: step.cost.high or 0)
    share = (largest.cost.high or 0) / whole
    if share < LARGE_SHARE or len(priced) == 1:
        return ""
    return f'"{largest.visit.path}" makes {share:.0%} of the bound: {_narrowing(largest)}'


def _narrowing(step: StepEstimate) -> str:
    """What the author can do about the bound of a step, the most effective first."""
    ways = []
    if step.times.high > max(2 * step.times.likely, 1):
        ways.append("max_items or max_iterations")
    spec = step.visit.step.spec
    if isinstance(spec, PlannedPrompt):
        if spec.tools:
            ways.append("max_turns")
        if spec.reply.max_output_tokens is None:
            ways.append("max_output_tokens")
        if spec.route.fallback is None:
            ways.append("fallback: false, or a pinned model")
        if spec.repair_attempts and (spec.reply.output_schema is not None or spec.verify):
            ways.append("repair: {max_attempts: 1}")
    return f"what narrows it: {'; '.join(ways[:3])}" if ways else "its prompt may be as long as the window"


def longest_chain(report: PlanReport) -> tuple[list[str], float]:
    """The steps of the plan that take longest one after the other, and about how many seconds of models' time."""
    seconds: dict[str, float] = {}
    for step, decision in zip(report.estimate.steps, report.decisions, strict=True):
        first = decision.estimates[0].seconds if decision is not None and decision.estimates else None
        top = step.visit.path.partition(".")[0]
        seconds[top] = seconds.get(top, 0.0) + (first or 0.0)
    chain = critical_path(report.plan.graph, lambda name: seconds.get(name, 0.0) + _OTHERS_S)
    return chain, sum(seconds.get(name, 0.0) for name in chain)
