"""Decides which models may serve a call: rules, then tier or chain, then filters, then the order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nano_flow.core.money import ZERO, usd
from nano_flow.core.refs import ModelRef
from nano_flow.plan.catalogue import Catalogue
from nano_flow.routing.candidates import Situation, examine, lacks
from nano_flow.routing.refusals import OF_MONEY, Refusal
from nano_flow.routing.request import Candidate, Chooser, NoCandidate, Observations, RouteDecision, RouteRequest
from nano_flow.routing.rules import RoutingPolicy
from nano_flow.routing.select import Selection, seen_by_rules, select
from nano_flow.routing.signals import SignalPoints

Choice = Callable[[tuple[Candidate, ...]], tuple[Candidate, ...]]


def _first(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """As listed."""
    return candidates


def _cheapest(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """By expected cost; what has no price comes last."""
    return tuple(sorted(candidates, key=lambda c: (c.cost is None, c.cost or 0)))


def _fastest(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """By observed latency, else the declared prior; what has neither comes last."""
    return tuple(sorted(candidates, key=lambda c: (c.seconds is None, c.seconds or 0.0)))


def _balanced(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """The least busy first, by the share of what each bears that is taken."""
    return tuple(sorted(candidates, key=lambda c: c.load))


def _able_first(choose: Choice, candidates: tuple[Candidate, ...], strength: float | None) -> tuple[Candidate, ...]:
    """Chosen among those that are able for it; then the others, the strongest first."""
    if strength is None or choose is _first:
        return choose(candidates)
    able = tuple(c for c in candidates if c.strength is not None and c.strength >= strength)
    weaker = sorted((c for c in candidates if c not in able), key=lambda c: -(c.strength or 0.0))
    return (*choose(able), *weaker) if able else choose(candidates)


CHOICES: Mapping[str, Choice] = {
    "first": _first,
    "cheapest": _cheapest,
    "fastest": _fastest,
    "balanced": _balanced,
}
"""Every way to order the candidates of one tier; each returns the same candidates, ties as listed."""
_SAID_IN_PROMPT = {"tools": "its tools", "json_schema": "the schema of its output"}


def decide(
    request: RouteRequest, policy: RoutingPolicy, catalogue: Catalogue, observations: Observations
) -> RouteDecision:
    """Choose candidates for one call. Pure: the same arguments give the same decision.

    Raises NoCandidate, with every refusal, where no model is left.
    """
    score, because = _score(request, policy)
    selection = select(request, policy, catalogue, observations, score, because)
    situation = Situation(request, observations, selection.providers, selection.providers_because)
    accepted, refused = _examine(selection, catalogue, situation, policy.choosers)
    if request.keep is not None:
        accepted = tuple(sorted(accepted, key=lambda c: str(c.ref) != request.keep))
    fixed = selection.single or observations.no_fallback or "/" in request.route.model
    if not _may_move(accepted, _preferred(accepted, refused, selection), selection, catalogue, fixed=fixed):
        accepted = ()
    if selection.single or observations.no_fallback:
        off = "fallback is off" if observations.no_fallback else "no fallback is wanted here"
        refused += tuple(Refusal(c.ref, "fallback", off) for c in accepted[1:])
        accepted = accepted[:1]
    notices = _notices(accepted, _preferred(accepted, refused, selection), policy.max_price_ratio)
    decision = RouteDecision(
        requested=request.route.model,
        score=score,
        tier=selection.tier,
        estimates=accepted,
        because=because + selection.because,
        refused=refused,
        facts=request.facts,
        policy=request.route.policy,
        kind=selection.kind,
        rule=(selection.rule.at, selection.rule.because) if selection.rule else None,
        notices=tuple(notice.text for notice in notices),
        on_use=_on_use(notices, accepted[0].ref if accepted else None),
        cascade=selection.cascade,
        asked=request.asked(),
        fixed=fixed,
    )
    if not accepted:
        raise NoCandidate(decision, _variables(refused, catalogue))
    return decision


def keeps_prompts(request: RouteRequest, policy: RoutingPolicy) -> bool:
    """Whether the rules allow to keep what is asked. Pure, and quick where no rule speaks of it."""
    rules = policy.rules_of(request.route.policy)
    if all(rule.keeps_prompts for rule in rules.rules):
        return True
    names, _, _ = seen_by_rules(request, policy, *_score(request, policy))
    return rules.silencing(names) is None


def _may_move(
    accepted: tuple[Candidate, ...],
    before: tuple[Refusal, ...],
    selection: Selection,
    catalogue: Catalogue,
    *,
    fixed: bool,
) -> bool:
    """Whether the call may go to the first of ``accepted`` where a budget does not pay for one ``before`` it.

    It may go to another model that is there for sure. It never leaves a model that was named, nor ends on somebody's
    own machine, which may not run: there the budget is what the reader has to hear of.
    """
    if not accepted or not any(refusal.kind in OF_MONEY for refusal in before):
        return True
    first = accepted[0].ref
    named = any(group.named and first in group.refs for group in selection.groups)
    provider = catalogue.providers[first.provider]
    return not fixed and (named or bool(provider.credentials) or provider.platform or provider.adapter == "sim")


def _score(request: RouteRequest, policy: RoutingPolicy) -> tuple[float, tuple[SignalPoints, ...]]:
    """The complexity of a request within what its step says of it."""
    if request.route.complexity is not None:
        return request.route.complexity, (SignalPoints("complexity of the step", request.route.complexity),)
    score, because = policy.complexity(request.facts, request.reading)
    low, high = request.route.complexity_at_least, request.route.complexity_at_most
    bounded = score if low is None else max(score, low)
    bounded = bounded if high is None else min(bounded, high)
    if bounded != score:
        because = (*because, SignalPoints("bounds of the step", bounded - score))
    return bounded, because


def _examine(
    selection: Selection, catalogue: Catalogue, situation: Situation, choosers: Mapping[str, Chooser]
) -> tuple[tuple[Candidate, ...], tuple[Refusal, ...]]:
    """Filter every group, then order it; each model is considered once, where it comes first.

    Models that would be asked for an ability by prompt, and that nobody named, are the last resort: after all that
    have what is needed, and not beside one of these in their group, unless it may not be there at all: whoever needs
    no key runs on somebody's machine, or does not.
    """
    accepted: list[Candidate] = []
    last_resort: list[Candidate] = []
    refused: list[Refusal] = []
    seen: set[ModelRef] = set()
    for group in selection.groups:
        refs = [ref for ref in dict.fromkeys(group.refs) if ref not in seen]
        seen.update(refs)
        verdicts = [examine(ref, group.named, catalogue, situation) for ref in refs]
        passed = [verdict for verdict in verdicts if isinstance(verdict, Candidate)]
        able = tuple(candidate for candidate in passed if group.named or not candidate.by_prompt)
        unable = tuple(candidate for candidate in passed if candidate.by_prompt and not group.named)
        sure = any(group.named or catalogue.providers[candidate.ref.provider].credentials for candidate in able)
        refused += [_unable(v) for v in verdicts if isinstance(v, Refusal) or (sure and v in unable)]
        choose = CHOICES.get(group.choose) or _installed(choosers[group.choose], situation.observations)
        first, last = _able_first(choose, able, group.strength), () if sure else choose(unable)
        if group.only_first:
            refused += [Refusal(c.ref, "fallback", "another fallback is named") for c in (*first, *last)[1:]]
            first, last = first[:1], () if first else last[:1]
        accepted += first
        last_resort += last
    return (*accepted, *last_resort), tuple(refused)


def _installed(chooser: Chooser, observations: Observations) -> Choice:
    """A way of an installed package; one that adds, drops or repeats a candidate is not followed."""

    def choose(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        if len(candidates) < 2:
            return candidates
        ordered = tuple(chooser(candidates, observations))
        whole = len(ordered) == len(candidates) and all(candidate in ordered for candidate in candidates)
        return ordered if whole else candidates

    return choose


def _unable(verdict: Candidate | Refusal) -> Refusal:
    """What becomes of a model beside others that have what is needed."""
    return verdict if isinstance(verdict, Refusal) else Refusal(verdict.ref, "ability", lacks(verdict.by_prompt))


def _preferred(
    accepted: tuple[Candidate, ...], refused: tuple[Refusal, ...], selection: Selection
) -> tuple[Refusal, ...]:
    """The refusals of models that stand before the first choice; a missing fallback is nobody's loss yet."""
    if not accepted:
        return refused
    order = [ref for group in selection.groups for ref in group.refs]
    before = set(order[: order.index(accepted[0].ref)])
    return tuple(refusal for refusal in refused if refusal.model in before)


@dataclass(frozen=True, slots=True)
class _Notice:
    """What should not stay unsaid, and the model that it is about where it is about one alone."""

    text: str
    about: ModelRef | None = None


def _notices(accepted: tuple[Candidate, ...], refused: tuple[Refusal, ...], ratio: float) -> list[_Notice]:
    """Credentials are missing; a fallback is far dearer than the first choice; an ability is asked for by prompt."""
    if not accepted:
        return []
    first, *rest = accepted
    passed_over = [
        _Notice(f"{refusal.model} was passed over ({refusal.reason}): {first.ref} is asked instead")
        for refusal in sorted(refused, key=lambda refusal: refusal.kind not in OF_MONEY)
        if refusal.kind == "credentials" or refusal.kind in OF_MONEY
    ]
    dearer = [_Notice(_dearer(c, first), c.ref) for c in rest if _costs_more(c, first, ratio)]
    by_prompt = [_Notice(f"{c.ref} gets {_prompted(c)} by prompt", c.ref) for c in accepted if c.by_prompt]
    return [*passed_over[:1], *dearer, *by_prompt]


def _on_use(notices: list[_Notice], first: ModelRef | None) -> dict[ModelRef, tuple[str, ...]]:
    """The notices that wait until their model is asked; the first choice is asked at once."""
    waiting: dict[ModelRef, tuple[str, ...]] = {}
    for notice in notices:
        if notice.about is not None and notice.about != first:
            waiting[notice.about] = (*waiting.get(notice.about, ()), notice.text)
    return waiting


def _costs_more(candidate: Candidate, first: Candidate, ratio: float) -> bool:
    return first.cost is not None and candidate.cost is not None and candidate.cost > ratio * first.cost


def _dearer(candidate: Candidate, first: Candidate) -> str:
    cost = candidate.cost or ZERO
    times = f"{cost / first.cost:.0f} times as much as" if first.cost else "money, unlike"
    return f"the fallback {candidate.ref} costs about ${usd(cost)} a call, {times} {first.ref}"


def _prompted(candidate: Candidate) -> str:
    return " and ".join(_SAID_IN_PROMPT[ability] for ability in reversed(candidate.by_prompt))


def _variables(refused: tuple[Refusal, ...], catalogue: Catalogue) -> tuple[str, ...]:
    """The environment variables of the providers that had no credentials, each set once."""
    ways: dict[str, None] = {}
    for refusal in refused:
        if refusal.kind == "credentials":
            for way in catalogue.providers[refusal.model.provider].credentials:
                ways[" with ".join(way)] = None
    return tuple(ways)
