"""A plan with its routes and its cost: what ``nano-flow plan`` shows. Sends nothing, starts nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from nano_flow.core.messages import Message, ToolSpec
from nano_flow.core.money import Money
from nano_flow.core.refs import ModelRef
from nano_flow.core.text import as_text
from nano_flow.gateway.ask import Circumstances, ModelAsk
from nano_flow.gateway.chosen import in_place
from nano_flow.gateway.observed import Observed
from nano_flow.gateway.requests import agent_request, judge_request
from nano_flow.gateway.route import PolicyRouter, without_credentials
from nano_flow.gateway.rules import fallback_rules
from nano_flow.plan.catalogue import Catalogue, ModelCard
from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.plan.plan import Plan
from nano_flow.pricing.encodings import Tokenizers
from nano_flow.pricing.forecast.asks import AskRoute, ModelChoice
from nano_flow.pricing.forecast.estimate import Assumptions, Estimate, StepRoute, estimate
from nano_flow.pricing.forecast.history import StepHistory
from nano_flow.pricing.forecast.sizes import PromptSize
from nano_flow.pricing.forecast.visits import Evaluator, Visit
from nano_flow.pricing.tokens import Count
from nano_flow.project.money.scored import Reach, prompts_of, reach_of
from nano_flow.project.policies import Policies
from nano_flow.project.preparing import RunOptions
from nano_flow.routing.candidates import output_cap
from nano_flow.routing.replies.cascade import Cascade
from nano_flow.routing.request import NoCandidate, RouteDecision

MAX_BUDGET = Money(10**18)
Obstacle = Literal["", "keys", "budget"]
"""Credentials that are missing; a budget below the worst case of a single call."""
_UNKNOWN_MODEL = ModelRef("", "")


@dataclass(frozen=True, slots=True)
class Circumstance:
    """Under which circumstances a plan is looked at."""

    options: RunOptions
    now: float
    environ: Mapping[str, str]
    known: Evaluator
    history: Mapping[str, StepHistory] = field(default_factory=dict)
    observed: Observed = field(default_factory=Observed)


@dataclass(frozen=True, slots=True)
class PlanReport:
    """``decisions`` belong to the prompts among the steps of ``estimate``, in their order; None for other steps.

    ``obstacles`` says what had to be overlooked for there to be a candidate.
    """

    plan: Plan
    policies: Policies
    estimate: Estimate
    decisions: tuple[RouteDecision | None, ...]
    obstacles: tuple[Obstacle, ...]
    reaches: tuple[Reach | None, ...] = ()
    """What the prompts of the steps are scored as, in their order; None for other steps and where models are named."""

    @property
    def budget(self) -> Money | None:
        """The budget of the run."""
        return self.plan.limits.budget.usd


def plan_report(plan: Plan, policies: Policies, where: Circumstance) -> PlanReport:
    """Route and estimate every step of ``plan``."""
    planner = _Planner(plan, policies, where)
    found = estimate(
        plan,
        Assumptions(
            prices=policies.prices,
            at=where.now,
            known=where.known,
            routes=planner.routes,
            counter=planner.counter,
            history=where.history,
        ),
    )
    decided = [planner.decided.get(id(step.visit.step)) for step in found.steps]
    return PlanReport(
        plan,
        policies,
        found,
        tuple(entry[0] if entry else None for entry in decided),
        tuple(entry[1] if entry else "" for entry in decided),
        tuple(planner.reaches.get(id(step.visit.step)) for step in found.steps),
    )


class _Planner:
    """Asks routing for every step what it would decide."""

    def __init__(self, plan: Plan, policies: Policies, where: Circumstance) -> None:
        self.plan, self.policies, self.where = plan, policies, where
        self._ways: dict[tuple[object, ...], tuple[tuple[ModelChoice, ...], ...]] = {}
        self.decided: dict[int, tuple[RouteDecision, Obstacle]] = {}
        self.reaches: dict[int, Reach] = {}
        self._tokenizers = Tokenizers()
        options = where.options
        self._router = PolicyRouter(
            policy=policies.routing,
            catalogue=policies.catalogue,
            prices=policies.prices,
            observed=where.observed,
            without_credentials=without_credentials(policies.catalogue, where.environ),
            offline=options.offline,
            no_fallback=options.no_fallback,
        )
        self._keyless = replace(self._router, without_credentials=frozenset())
        self._attempts = fallback_rules(policies.routing_document).attempts

    @property
    def _may_downgrade(self) -> bool:
        """Whether a budget that is nearly spent changes who is asked."""
        return self.policies.routing.downgrade_to is not None and self.plan.limits.budget.downgrade_at is not None

    def counter(self, ref: ModelRef) -> Count:
        """How to count for ``ref``, or for the model that it is like."""
        card = None if ref == _UNKNOWN_MODEL else self.policies.catalogue.model(ref)
        return self._tokenizers.counter(card.priced_as if card is not None and card.priced_as else ref)

    def routes(self, visit: Visit, spec: PlannedPrompt, size: PromptSize) -> StepRoute:
        """Who may answer ``spec``, whatever its prompt turns out to be, and its judges."""
        ask = self._ask(visit, spec, size)
        decision, obstacle = self._decide(ask, size.likely)
        if ask.route.model == "auto" and ask.route.complexity is None:
            decision = self._reached(visit, spec, ask, size.likely, decision)
        self.decided[id(visit.step)] = (decision, obstacle)
        varies = size.most is None or bool(spec.tools) or spec.reply.output_schema is not None or bool(spec.verify)
        own = self._route(ask, size, decision, varies=varies)
        judges = []
        for check in spec.verify:
            if check.judge is not None:
                judge = self._chosen(judge_request(visit.step, check, visit.path, ask.messages))
                judges.append(self._route(judge, size, self._decide(judge, size.likely)[0], varies=True))
        return StepRoute(own, tuple(judges))

    def _reached(
        self, visit: Visit, spec: PlannedPrompt, ask: ModelAsk, tokens: int, likely: RouteDecision
    ) -> RouteDecision:
        """The decision that most of the step's prompts get; what all of them reach is kept beside it."""
        texts, order = prompts_of(visit, spec), [tier.name for tier in self.policies.routing.tiers]
        if texts is None:
            variants = self._variants(replace(ask, escalate=0))
            tiers = {self._decide(other, tokens)[0].tier for other in variants}
            self.reaches[id(visit.step)] = Reach(False, {tier: 0 for tier in order if tier in tiers})
            return likely
        decisions = [self._decide(replace(ask, messages=(Message("user", text),)), tokens)[0] for text in texts]
        self.reaches[id(visit.step)] = reach_of(decisions, order)
        most = Counter(decision.model for decision in decisions).most_common(1)[0][0]
        return next(decision for decision in decisions if decision.model == most)

    def _ask(self, visit: Visit, spec: PlannedPrompt, size: PromptSize) -> ModelAsk:
        tools = tuple(ToolSpec(name, "", {}) for name in spec.tools)
        ask = agent_request(visit.step, visit.path, (Message("user", size.text),), tools)
        named = visit.known.value(spec.model) if spec.model is not None else None
        if named is not None:
            ask = replace(ask, route=replace(ask.route, model=as_text(named.value).strip() or "auto"))
        return self._chosen(replace(ask, escalate=spec.repair_attempts if spec.repair_escalate else 0))

    def _chosen(self, ask: ModelAsk) -> ModelAsk:
        return in_place(ask, self.where.options.model, self.where.options.provider)

    def _decide(self, ask: ModelAsk, tokens: int) -> tuple[RouteDecision, Obstacle]:
        """The decision of a run; where none can serve, the one without the first obstacle that explains it."""
        first = replace(ask, escalate=0)
        within = self._circumstances(tokens)
        try:
            return self._router(first, within), ""
        except NoCandidate as error:
            refused = error.decision
        boundless = self._boundless(tokens)
        tries: list[tuple[PolicyRouter, Circumstances, Obstacle]] = [
            (self._keyless, within, "keys"),
            (self._router, boundless, "budget"),
            (self._keyless, boundless, "budget"),
        ]
        for router, circumstances, obstacle in tries:
            try:
                return router(first, circumstances), obstacle
            except NoCandidate:
                continue
        return refused, ""

    def _route(self, ask: ModelAsk, size: PromptSize, decision: RouteDecision, *, varies: bool) -> AskRoute:
        cascade = self.policies.routing.cascade_of(ask.route.policy)
        own = [self._choices(decision, ask)] if decision.candidates else []
        varies = varies or bool(ask.escalate) or cascade is not None or self._may_downgrade
        others = self._other_ways(ask, size.likely) if varies else ()
        ways = tuple(dict.fromkeys((*own, *others)))
        first = decision.model
        return AskRoute(
            first=None if first is None else self._choice(first, ask),
            ways=ways,
            attempts=ask.retry.max_attempts if ask.retry is not None else self._attempts,
            rounds=_rounds(cascade) if cascade and ask.route.model == "auto" else 1,
            samples=cascade.samples if cascade and decision.cascade and ask.purpose == "agent" else 1,
        )

    def _other_ways(self, ask: ModelAsk, tokens: int) -> tuple[tuple[ModelChoice, ...], ...]:
        """The chains that may be tried if the prompt turns out differently; the same for steps that say the same."""
        reply = ask.reply
        said = (len(ask.tools), reply.output_schema is None, tuple(sorted(reply.params)), reply.max_output_tokens)
        same = (ask.route, *said, ask.escalate, ask.purpose, tokens.bit_length())
        if same not in self._ways:
            decisions = []
            for other in self._variants(ask):
                try:
                    decisions.append(self._keyless(other, self._boundless(tokens)))
                except NoCandidate:
                    continue
            decisions += self._downgraded(ask, tokens)
            self._ways[same] = tuple(self._choices(found, ask) for found in decisions)
        return self._ways[same]

    def _variants(self, ask: ModelAsk) -> Iterable[ModelAsk]:
        """The same question as if its prompt were easy, middling or hard, escalated, or put to a cascade's tiers."""
        policy = self.policies.routing
        scores = [0.0, *(tier.below for tier in policy.tiers if tier.below is not None)]
        for steps_up in range(ask.escalate + 1):
            if ask.route.model == "auto" and ask.route.complexity is None:
                routes = (replace(ask.route, complexity=score) for score in scores)
                yield from (replace(ask, route=route, escalate=steps_up) for route in routes)
            else:
                yield replace(ask, escalate=steps_up)
        cascade = policy.cascade_of(ask.route.policy)
        if cascade is not None and ask.route.model == "auto":
            routes = (replace(ask.route, model=tier) for tier in cascade.tiers)
            yield from (replace(ask, route=route, escalate=0) for route in routes)

    def _downgraded(self, ask: ModelAsk, tokens: int) -> list[RouteDecision]:
        """What is asked once the budget is nearly spent."""
        if not self._may_downgrade:
            return []
        try:
            return [self._keyless(replace(ask, escalate=0), replace(self._boundless(tokens), downgrade=True))]
        except NoCandidate:
            return []

    def _circumstances(self, tokens: int) -> Circumstances:
        budget = self.plan.limits.budget.usd
        return Circumstances(now=self.where.now, input_tokens=tokens, budget_left=budget, began_with=budget)

    def _boundless(self, tokens: int) -> Circumstances:
        """With a budget that pays for everything, so that all it still rules out are models without a price."""
        budget = self.plan.limits.budget.usd
        most = None if budget is None else MAX_BUDGET
        return replace(self._circumstances(tokens), budget_left=most, began_with=most)

    def _choices(self, decision: RouteDecision, ask: ModelAsk) -> tuple[ModelChoice, ...]:
        return tuple(self._choice(ref, ask) for ref in decision.candidates)

    def _choice(self, ref: ModelRef, ask: ModelAsk) -> ModelChoice:
        card = _card(self.policies.catalogue, ref)
        return ModelChoice(ref, output_cap(card, ask.reply.max_output_tokens), card.context_window)


def _rounds(cascade: Cascade) -> int:
    """Chains that one question may be put to: each tier below the last for every sample, and the last once."""
    return (len(cascade.tiers) - 1) * cascade.samples + 1


def _card(catalogue: Catalogue, ref: ModelRef) -> ModelCard:
    return catalogue.model(ref) or ModelCard(ref, declared=False)
