"""The estimate of a plan: tokens and cost of every step, at least, likely, and at most.

The high figure assumes the worst that the plan allows: every branch, item, iteration, retry, turn, repair and
fallback, each billed at its cap. No run exceeds it. The likely figure follows earlier runs of the workflow where there
are some; else it assumes usual lengths, which are constants of this package.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from nano_flow.core.messages import Usage
from nano_flow.core.refs import ModelRef
from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.plan.plan import Plan
from nano_flow.pricing.forecast.asks import AskBound, AskRoute, ModelChoice, least_cost, likely_cost, worst_ask
from nano_flow.pricing.forecast.history import StepHistory, history_of
from nano_flow.pricing.forecast.sizes import (
    MOST_SMALL,
    RETOKENIZED,
    USUAL_OUTPUT,
    USUAL_RESULT,
    OutputSize,
    PromptSize,
    most_of,
    prompt_size,
)
from nano_flow.pricing.forecast.spread import NOTHING, Spread, Times, total
from nano_flow.pricing.forecast.visits import Evaluator, Visit, visits
from nano_flow.pricing.prices import Prices
from nano_flow.pricing.tokens import Count

USUAL_TURNS = 3
"""Model calls of an agent with tools, where no earlier run tells."""
COMPLAINT = 2_000
"""Tokens that a repair adds beside the reply that it repairs: the message of a validator or a judge."""
JUDGE_OUTPUT = 60
ENOUGH_RUNS = 3
ENOUGH_CALLS = 5
"""Earlier runs and calls without which no smaller cap is suggested."""


@dataclass(frozen=True, slots=True)
class StepRoute:
    """Who may answer the step's own questions, and each of its judges'."""

    ask: AskRoute
    judges: tuple[AskRoute, ...] = ()


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What an estimate takes for granted. ``routes`` is told the prompt as far as it is known."""

    prices: Prices
    at: float
    known: Evaluator
    routes: Callable[[Visit, PlannedPrompt, PromptSize], StepRoute]
    counter: Callable[[ModelRef], Count]
    history: Mapping[str, StepHistory] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepEstimate:
    """One step: how often it is executed, and tokens and nano-dollars of all its executions together."""

    visit: Visit
    route: StepRoute
    times: Times
    input_tokens: Spread = NOTHING
    output_tokens: Spread = NOTHING
    cost: Spread = NOTHING
    unpriced: str | None = None
    """A model that may be asked and has no price."""
    from_runs: int = 0
    """How many earlier runs the likely figures follow."""
    enough: int | None = None
    """A ``max_output_tokens`` that would do, where the step never came near its cap."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A whole workflow."""

    steps: tuple[StepEstimate, ...]
    cost: Spread

    @property
    def unpriced(self) -> bool:
        """Whether a model may be asked that has no price."""
        return any(step.unpriced for step in self.steps)

    def fits(self, budget: int | None) -> bool | None:
        """Whether no run can exceed ``budget``; None without a budget."""
        return None if budget is None else self.cost.high is not None and self.cost.high <= budget


def estimate(plan: Plan, assumptions: Assumptions) -> Estimate:
    """Estimate every step of ``plan``, outer ones first, in the order of the file."""
    outputs: dict[str, OutputSize] = {}
    seen = list(visits(plan, assumptions.known))
    shared = Counter(visit.path for visit in seen if isinstance(visit.step.spec, PlannedPrompt))
    steps = []
    for visit in seen:
        if isinstance(visit.step.spec, PlannedPrompt):
            found = _prompt(visit, visit.step.spec, assumptions, outputs, shared[visit.path])
            # A case has the path of its switch, whose output may be another case's.
            outputs[visit.path] = (
                replace(_output(visit, found), most=None) if visit.path in outputs else _output(visit, found)
            )
        else:
            found = StepEstimate(visit, StepRoute(AskRoute()), visit.times)
            outputs.setdefault(visit.path, OutputSize(USUAL_RESULT, None))
        steps.append(found)
    return Estimate(tuple(steps), total(step.cost for step in steps))


def _output(visit: Visit, found: StepEstimate) -> OutputSize:
    """What later steps may put into their prompts: one reply, or all of a fan-out's."""
    each = (found.output_tokens.likely or 0) / max(visit.times.likely, 1.0)
    most = (RETOKENIZED * _cap(found.route) + MOST_SMALL) * max(visit.width.high, 1)
    return OutputSize(round(each * max(visit.width.likely, 1.0)), most)


def _cap(route: StepRoute) -> int:
    """The longest reply, in tokens."""
    return max((choice.cap for way in route.ask.ways for choice in way), default=0)


def _cap_of_first(route: StepRoute) -> int:
    return 0 if route.ask.first is None else route.ask.first.cap


def enough_output(known: StepHistory | None, cap: int) -> int | None:
    """Twice the longest reply that was ever seen, rounded up, where that is at most half of ``cap``.

    The cap is what every call reserves, so a smaller one lets more calls run within a budget.
    """
    if known is None or known.runs < ENOUGH_RUNS or known.calls < ENOUGH_CALLS or not known.longest:
        return None
    enough = -(-2 * known.longest // 100) * 100
    return enough if 2 * enough <= cap else None


def _prompt(
    visit: Visit, spec: PlannedPrompt, assumptions: Assumptions, outputs: Mapping[str, OutputSize], sharers: int
) -> StepEstimate:
    first_count = assumptions.counter(ModelRef("", ""))
    rough = prompt_size(visit, spec, first_count, outputs)
    route = assumptions.routes(visit, spec, rough)
    first = route.ask.first
    count = first_count if first is None else assumptions.counter(first.ref)
    size = rough if count is first_count else prompt_size(visit, spec, count, outputs)
    judged = [most_of(visit, check.judge, outputs) for check in spec.verify if check.judge is not None]
    bound = _bound(spec, size, route, judged, assumptions)
    likely = _from_runs(visit, route, assumptions, sharers) or _guessed(visit, spec, size, route, assumptions)
    times, least = visit.times, least_cost(route.ask, size.low, assumptions.prices, assumptions.at)
    most_cost = _times(bound.cost, times.high)
    if visit.step.budget is not None and visit.step.budget.usd is not None:
        within = visit.step.budget.usd * times.high
        most_cost = within if most_cost is None else min(most_cost, within)
    return StepEstimate(
        visit=visit,
        route=route,
        times=times,
        input_tokens=Spread(times.low * size.low, likely.usage.context, _times(bound.input_tokens, times.high)),
        output_tokens=Spread(times.low, _written(likely.usage), times.high * bound.output_tokens),
        cost=Spread(times.low * least, likely.cost, most_cost),
        unpriced=bound.unpriced,
        from_runs=likely.runs,
        enough=enough_output(history_of(visit.path, assumptions.history), _cap_of_first(route)),
    )


@dataclass(frozen=True, slots=True)
class _Likely:
    usage: Usage
    cost: int | None
    runs: int = 0


def _bound(
    spec: PlannedPrompt, size: PromptSize, route: StepRoute, criteria: list[int | None], assumptions: Assumptions
) -> AskBound:
    """The most that one execution takes: turns, repairs and judges. ``criteria`` bound what judges are told."""
    replies = 1 + (spec.repair_attempts if spec.reply.output_schema is not None or spec.verify else 0)
    turns = spec.max_turns if spec.tools else min(spec.max_turns, replies)
    reply = RETOKENIZED * _cap(route)
    judges = RETOKENIZED * sum(max((c.cap for way in judge.ways for c in way), default=0) for judge in route.judges)
    parts = []
    for turn in range(turns):
        # A repair shows the model its reply, the schema once more and what a check, a judge or a validator said.
        most = None if size.most is None else size.most + turn * (size.most + reply + judges + COMPLAINT)
        parts.append(worst_ask(route.ask, most, assumptions.prices, assumptions.at))
        if most is None:
            parts = parts * turns
            break
    for judge, criterion in zip(route.judges, criteria, strict=True):
        most = None if criterion is None else criterion + reply + COMPLAINT
        parts += [worst_ask(judge, most, assumptions.prices, assumptions.at)] * min(turns, replies)
    return _sum(parts)


def _sum(parts: list[AskBound]) -> AskBound:
    costs, inputs = [part.cost for part in parts], [part.input_tokens for part in parts]
    return AskBound(
        cost=None if None in costs else sum(cost for cost in costs if cost is not None),
        input_tokens=None if None in inputs else sum(tokens for tokens in inputs if tokens is not None),
        output_tokens=sum(part.output_tokens for part in parts),
        unpriced=next((part.unpriced for part in parts if part.unpriced), None),
    )


def _from_runs(visit: Visit, route: StepRoute, assumptions: Assumptions, sharers: int) -> _Likely | None:
    """What earlier runs used on average, at today's prices; by the likely model where theirs are not asked now."""
    known = history_of(visit.path, assumptions.history)
    first = route.ask.first
    if known is None or not known.runs or first is None:
        return None
    possible = {str(choice.ref) for way in (*route.ask.ways, *_judge_ways(route)) for choice in way}
    usage = known.usage if known.usage.keys() <= possible else {str(first.ref): known.all_usage()}
    costs = [
        likely_cost(ModelRef.parse(model), used, known.calls, assumptions.prices, assumptions.at)
        for model, used in usage.items()
    ]
    share = known.runs * max(sharers, 1)
    cost = None if None in costs else sum(c for c in costs if c is not None) // share
    return _Likely(_mean(known.all_usage(), share), cost, known.runs)


def _judge_ways(route: StepRoute) -> list[tuple[ModelChoice, ...]]:
    return [way for judge in route.judges for way in judge.ways]


def _guessed(
    visit: Visit, spec: PlannedPrompt, size: PromptSize, route: StepRoute, assumptions: Assumptions
) -> _Likely:
    """Usual lengths: nothing is known of this step but its plan."""
    first = route.ask.first
    if first is None:
        return _Likely(Usage(), None if visit.times.likely else 0)
    turns = min(spec.max_turns, USUAL_TURNS) if spec.tools else 1
    written = min(USUAL_OUTPUT, first.cap)
    read = turns * size.likely + (turns * (turns - 1) // 2) * (written + USUAL_RESULT)
    if route.ask.samples > 1:  # a cascade compares the last reply with further ones to the same messages
        read += (route.ask.samples - 1) * (size.likely + (turns - 1) * (written + USUAL_RESULT))
        turns += route.ask.samples - 1
    used = Usage(
        input_tokens=round(read * visit.times.likely), output_tokens=round(turns * written * visit.times.likely)
    )
    calls = turns * visit.times.likely
    cost = likely_cost(first.ref, used, calls, assumptions.prices, assumptions.at)
    for judge in route.judges:
        judged = Usage(
            input_tokens=round((size.likely + written) * visit.times.likely),
            output_tokens=round(JUDGE_OUTPUT * visit.times.likely),
        )
        ref, often = None if judge.first is None else judge.first.ref, visit.times.likely
        share = None if ref is None else likely_cost(ref, judged, often, assumptions.prices, assumptions.at)
        cost = None if cost is None or share is None else cost + share
        used += judged
    return _Likely(used, cost)


def _mean(usage: Usage, share: int) -> Usage:
    return Usage(
        input_tokens=usage.input_tokens // share,
        cached_input_tokens=usage.cached_input_tokens // share,
        cache_write_tokens=usage.cache_write_tokens // share,
        output_tokens=usage.output_tokens // share,
        reasoning_tokens=usage.reasoning_tokens // share,
        cache_write_1h_tokens=usage.cache_write_1h_tokens // share,
        audio_input_tokens=usage.audio_input_tokens // share,
        audio_output_tokens=usage.audio_output_tokens // share,
    )


def _written(usage: Usage) -> int:
    return usage.output_tokens + usage.reasoning_tokens + usage.audio_output_tokens


def _times(amount: int | None, often: int) -> int | None:
    return 0 if not often else None if amount is None else amount * often
