"""Which models are considered for a call, in which groups: the pinned one, a tier, a chain, and what follows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json
from nano_flow.core.refs import ModelRef
from nano_flow.plan.catalogue import Catalogue
from nano_flow.routing.candidates import is_simulated
from nano_flow.routing.request import Observations, RouteRequest
from nano_flow.routing.rules import FallbackChoice, Kind, RoutingPolicy, Rule
from nano_flow.routing.signals import SignalPoints
from nano_flow.routing.words.tags import as_declared


@dataclass(frozen=True, slots=True)
class Group:
    """Models that are ordered among themselves by ``choose``; ``named`` where a step or rule names each of them."""

    refs: tuple[ModelRef, ...]
    named: bool = False
    choose: str = "first"
    strength: float | None = None
    """What a model is able for that is chosen by price or time; None where nothing is said."""
    only_first: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """What is considered, before any filter. ``single``: the first candidate is the only one."""

    tier: str | None
    groups: tuple[Group, ...]
    because: tuple[SignalPoints, ...] = ()
    providers: frozenset[str] | None = None
    providers_because: str = ""
    single: bool = False
    kind: str | None = None
    rule: Rule | None = None
    """The rule that holds."""
    cascade: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Context:
    """What every part of a selection looks at."""

    request: RouteRequest
    policy: RoutingPolicy
    catalogue: Catalogue
    observations: Observations
    rule: Rule
    kind: Kind | None
    choose: str
    score: float
    providers: frozenset[str] | None


def select(
    request: RouteRequest,
    policy: RoutingPolicy,
    catalogue: Catalogue,
    observations: Observations,
    score: float,
    given: Sequence[SignalPoints] = (),
) -> Selection:
    """Apply the rules, then tier, chain or pinned model, then what follows after a failure."""
    rules = policy.rules_of(request.route.policy)
    wanted = rules.rules or policy.kinds
    names, kind, told = seen_by_rules(request, policy, score, given) if wanted else ({}, None, ())
    rule = rules.match(names) or Rule()
    providers = _providers(request, rule)
    choose = rule.choose or rules.choose
    context = _Context(request, policy, catalogue, observations, rule, kind, choose, score, providers)
    selection = _start(context)
    choice = request.route.fallback if request.route.fallback is not None else rule.fallback
    if observations.no_fallback and _pinned(request) is not None:
        choice = False  # whoever names a model and wants no other gets that one or none, also where its key is missing
    if choice is None:
        groups = (*selection.groups, *_after(context, selection))
    elif choice is False:
        groups = selection.groups
    else:
        first = replace(selection.groups[0], only_first=True)
        groups = (first, *selection.groups[1:], Group(_listed(choice, policy), named=True))
    if observations.offline:
        groups = tuple(_with_stand_ins(context, group) for group in groups)
    reason = (rule.points(),) if rule.at or rule.because else ()
    return replace(
        selection,
        groups=groups,
        because=told + reason + selection.because,
        kind=kind.name if kind else None,
        rule=rule if rule.at or rule.because else None,
        providers=providers,
        providers_because=_why(request, rule),
        single=choice is False,
    )


def seen_by_rules(
    request: RouteRequest, policy: RoutingPolicy, score: float, given: Sequence[SignalPoints] = ()
) -> tuple[Mapping[str, Json], Kind | None, tuple[SignalPoints, ...]]:
    """What conditions of rules see, the first kind of task that holds, and what tells it."""
    names = _names(request, policy, score, given)
    for kind in policy.kinds:
        words = kind.found(names, request.reading)
        if words is not None:
            return {**names, "kind": kind.name}, kind, (SignalPoints(f"kind: {kind.name}", 0.0, kind.at, words),)
    return {**names, "kind": None}, None, ()


def _names(
    request: RouteRequest, policy: RoutingPolicy, score: float, given: Sequence[SignalPoints]
) -> dict[str, Json]:
    """What a rule's condition sees; what costs something only where one refers to it."""
    tier = policy.tiers[policy.tier_for(score)].name
    tags: list[Json] = [*as_declared(request.facts.step.tags, policy.tags)]
    names = {**request.facts.as_json(), "tags": tags, "complexity": score, "tier": tier, "model": request.route.model}
    if "signals" in policy.sees:
        points: dict[str, Json] = dict.fromkeys(policy.signal_names, 0.0)
        names["signals"] = points | {p.signal: p.points for p in given if p.signal in points}
    if "personal" in policy.sees:
        names["personal"] = [*request.reading.personal]
    if "prompt" in policy.sees:
        names["prompt"] = request.reading.text
    return names


def _providers(request: RouteRequest, rule: Rule) -> frozenset[str] | None:
    asked, ruled = frozenset(request.route.providers), frozenset(rule.providers)
    if asked and ruled:
        return asked & ruled
    return asked or ruled or None


def _why(request: RouteRequest, rule: Rule) -> str:
    if not rule.providers:
        return "" if not request.route.providers else " (the step says so)"
    return f" ({rule.at or 'a rule'}{': ' if rule.because else ''}{rule.because})"


def _start(context: _Context) -> Selection:
    """The group that the first choice comes from."""
    request, policy, rule = context.request, context.policy, context.rule
    pinned = _pinned(request)
    if pinned is not None and not request.escalate:
        place = policy.tier_of(pinned)
        return Selection(None if place is None else policy.tiers[place].name, (Group((pinned,), named=True),))
    if pinned is None and request.route.model == "auto" and not context.observations.downgrade:
        if rule.models:
            return Selection(None, (Group(rule.models, named=True, choose=rule.choose or "first"),))
        if rule.chain:
            return Selection(None, (Group(policy.chains[rule.chain], choose=rule.choose or "first"),))
        if context.kind is not None and context.kind.models and not rule.tier:
            return Selection(None, (Group(context.kind.models, named=True),))
    elif rule.models and request.route.model == "auto" and len(rule.models) == 1:
        return Selection(None, (Group(rule.models, named=True),))
    return _tier_selection(context, pinned)


def _pinned(request: RouteRequest) -> ModelRef | None:
    return ModelRef.parse(request.route.model) if "/" in request.route.model else None


def _tier_selection(context: _Context, pinned: ModelRef | None) -> Selection:
    """A tier by name, rule or score; above it by escalation, below it under budget pressure or in a cascade."""
    request, policy = context.request, context.policy
    routed = _routed_place(context, pinned)
    place = min(routed + request.escalate, len(policy.tiers) - 1)
    because: tuple[SignalPoints, ...] = ()
    if place > routed:
        because = (SignalPoints(f"escalated from {policy.tiers[routed].name}", 0.0),)
    lowest = policy.tier_place(policy.downgrade_to) if policy.downgrade_to else None
    if context.observations.downgrade and lowest is not None and lowest < place:
        because = (
            *because,
            SignalPoints(f"downgraded from {policy.tiers[place].name}: the budget is nearly spent", 0.0),
        )
        place = lowest
    above: tuple[str, ...] = ()
    cascade = None if context.observations.downgrade or request.escalate else policy.cascade_of(request.route.policy)
    if cascade and request.route.model == "auto" and policy.tiers[place].name in cascade.tiers:
        first, *rest = cascade.tiers
        because = (*because, SignalPoints(f"cascade: {first} first, its reply is judged", 0.0, cascade.at))
        place, above = policy.tier_place(first) or 0, tuple(rest)
    refs, reason = _of_tier(context, place)
    return Selection(
        policy.tiers[place].name,
        (Group(refs, choose=context.choose, strength=policy.tiers[place].strength),),
        because + reason,
        cascade=above,
    )


def _routed_place(context: _Context, pinned: ModelRef | None) -> int:
    request, policy = context.request, context.policy
    if pinned is not None:
        found = policy.tier_of(pinned)
        return policy.tier_for(context.score) if found is None else found
    if request.route.model != "auto":
        place = policy.tier_place(request.route.model)
        if place is None:
            names = ", ".join(tier.name for tier in policy.tiers)
            raise StepError("routing", f'there is no tier "{request.route.model}"; tiers are: {names}')
        return place
    if context.rule.tier:
        return policy.tier_place(context.rule.tier) or 0
    kind, scored = context.kind, policy.tier_for(context.score)
    if kind is not None and kind.tier:
        return policy.tier_place(kind.tier) or 0
    floor = policy.tier_place(kind.floor) if kind is not None and kind.floor else None
    return scored if floor is None else max(scored, floor)


def _of_tier(context: _Context, place: int) -> tuple[tuple[ModelRef, ...], tuple[SignalPoints, ...]]:
    """A tier's models; where the admitted providers have none in it, theirs of the nearest tiers, then all theirs."""
    policy, providers = context.policy, context.providers
    tier = policy.tiers[place]
    if providers is None or any(ref.provider in providers for ref in tier.models):
        return tier.models, ()
    nearest = sorted(range(len(policy.tiers)), key=lambda other: (abs(other - place), other < place))
    for other in nearest:
        theirs = tuple(ref for ref in policy.tiers[other].models if ref.provider in providers)
        if theirs:
            why = f"{tier.name} lists no model of {', '.join(sorted(providers))}: taken from {policy.tiers[other].name}"
            return tier.models + theirs, (SignalPoints(why, 0.0, policy.tiers[other].at),)
    declared = (p for name, p in context.catalogue.providers.items() if name in providers)
    return tier.models + tuple(card.ref for p in declared for card in p.models.values()), ()


def _after(context: _Context, selection: Selection) -> tuple[Group, ...]:
    """What follows where nothing else is said: chain or tier of a pinned model, then the neighbouring tier above."""
    policy, pinned = context.policy, _pinned(context.request)
    if pinned is not None and is_simulated(context.catalogue, pinned):
        return ()
    if pinned is not None and not context.request.escalate:
        chain = policy.chain_after(pinned)
        if chain:
            return (Group(chain),)
    if selection.tier is None:
        return ()
    place = policy.tier_place(selection.tier) or 0
    own = (_tier_group(context, place),) if pinned is not None else ()
    if place + 1 == len(policy.tiers):
        return own
    return (*own, _tier_group(context, place + 1))


def _tier_group(context: _Context, place: int) -> Group:
    tier = context.policy.tiers[place]
    return Group(tier.models, choose=context.choose, strength=tier.strength)


def _listed(choice: FallbackChoice | tuple[str, ...], policy: RoutingPolicy) -> tuple[ModelRef, ...]:
    """The models that a ``fallback`` names."""
    if isinstance(choice, str):
        if "/" in choice:
            return (ModelRef.parse(choice),)
        if choice not in policy.chains:
            names = ", ".join(policy.chains) or "none"
            raise StepError("routing", f'there is no chain "{choice}"; chains are: {names}')
        return policy.chains[choice]
    entries: Iterable[ModelRef | str] = choice or ()
    return tuple(entry if isinstance(entry, ModelRef) else ModelRef.parse(entry) for entry in entries)


def _with_stand_ins(context: _Context, group: Group) -> Group:
    """Offline every real model is answered by the simulated one of its tier; the real ones stay, to be refused."""
    policy, catalogue = context.policy, context.catalogue
    if not group.named and any(is_simulated(catalogue, ref) for ref in group.refs):
        return group
    refs: list[ModelRef] = []
    for ref in group.refs:
        refs.append(ref)
        if not is_simulated(catalogue, ref):
            place = policy.tier_of(ref)
            stand_in = _stand_in(context, policy.tier_for(context.score) if place is None else place)
            refs += [stand_in] if stand_in else []
    return replace(group, refs=tuple(refs))


def _stand_in(context: _Context, place: int) -> ModelRef | None:
    """The simulated model of a tier: the one that it lists, else the one that stands as high among the simulated."""
    tiers = context.policy.tiers
    listed = (ref for ref in tiers[place].models if is_simulated(context.catalogue, ref))
    found = next(listed, None)
    if found is not None:
        return found
    providers = (p for p in context.catalogue.providers.values() if p.adapter == "sim")
    simulated = [card.ref for provider in providers for card in provider.models.values()]
    if not simulated:
        return None
    return simulated[round(place * (len(simulated) - 1) / max(1, len(tiers) - 1))]
