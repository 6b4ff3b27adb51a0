"""Who may serve a call: filters that run before any ordering, each with the reason that it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from nano_flow.core.money import Money, Unpriced, usd
from nano_flow.core.refs import ModelRef
from nano_flow.plan.catalogue import Catalogue, ModelCard, ProviderCard
from nano_flow.routing.refusals import Refusal, RefusalKind
from nano_flow.routing.request import Candidate, Observations, RouteRequest

DEFAULT_OUTPUT_TOKENS = 4096
REASONING_OUTPUT_TOKENS = 16_000
EXPECTED_OUTPUT_TOKENS = 400
"""A reply's length where none was observed; the same for every model, so that it favours none."""
PROMPTED_ABILITIES = frozenset({"tools", "json_schema"})
"""What a model may lack and still serve: it is then asked for by prompt."""


@dataclass(frozen=True, slots=True)
class Considered:
    """A model under consideration; ``named`` where a step or rule names it, so that nothing else was meant."""

    ref: ModelRef
    card: ModelCard
    provider: ProviderCard
    named: bool = False

    @property
    def simulated(self) -> bool:
        """Whether its replies are simulated."""
        return self.provider.adapter == "sim"


@dataclass(frozen=True, slots=True)
class Situation:
    """The request, the world, and the providers that rules and the step admit (None: all)."""

    request: RouteRequest
    observations: Observations
    providers: frozenset[str] | None = None
    providers_because: str = ""


Filter = Callable[[Considered, Situation], str | None]


def is_simulated(catalogue: Catalogue, ref: ModelRef) -> bool:
    """Whether ``ref`` is served by the embedded simulator."""
    provider = catalogue.providers.get(ref.provider)
    return provider is not None and provider.adapter == "sim"


def output_cap(card: ModelCard, asked: int | None) -> int:
    """The output cap that is sent: as asked, else 4,096 or 16,000 where the model reasons; at most the model's own."""
    reasons = card.can is not None and "reasoning" in card.can
    cap = asked or (REASONING_OUTPUT_TOKENS if reasons else DEFAULT_OUTPUT_TOKENS)
    return min(cap, card.max_output_tokens) if card.max_output_tokens else cap


def examine(ref: ModelRef, named: bool, catalogue: Catalogue, situation: Situation) -> Candidate | Refusal:
    """Put one model through every filter; the first that objects gives the reason."""
    card, provider = catalogue.model(ref), catalogue.providers.get(ref.provider)
    if card is None or provider is None:
        what = "its provider is" if provider is None else "it is"
        return Refusal(ref, "unknown", f"{what} not declared in providers.yaml")
    considered = Considered(ref, card, provider, named)
    for kind, objection in FILTERS:
        reason = objection(considered, situation)
        if reason is not None:
            return Refusal(ref, kind, reason)
    name, observations = str(ref), situation.observations
    return Candidate(
        ref,
        cost=_expected_cost(considered, name, situation),
        seconds=_expected_seconds(card, name, observations),
        strength=card.strength,
        calls=observations.calls.get(name, 0),
        by_prompt=_missing(considered, situation),
        load=max(observations.load.get(name, 0.0), observations.load.get(ref.provider, 0.0)),
    )


def lacks(missing: Iterable[str]) -> str:
    """The reason that refuses a model for abilities that it has not."""
    return f"it lacks {', '.join(missing)}"


def _offline(model: Considered, situation: Situation) -> str | None:
    if situation.observations.offline and not model.simulated:
        return "offline: only simulated models answer"
    return None


def _simulated(model: Considered, situation: Situation) -> str | None:
    if model.simulated and not model.named and not situation.observations.offline:
        return "simulated: a candidate only offline, in tests, or where a step names it"
    return None


def _provider(model: Considered, situation: Situation) -> str | None:
    admitted = situation.providers
    if admitted is None or model.ref.provider in admitted or model.simulated:
        return None
    return f"only {', '.join(sorted(admitted)) or 'no provider'} may serve{situation.providers_because}"


def _abilities(model: Considered, situation: Situation) -> str | None:
    needs = situation.request.needs
    if needs and model.card.can is None and not model.named:
        return f"it is not declared, so nobody knows whether it has {', '.join(sorted(needs))}"
    missing = _missing(model, situation)
    return None if PROMPTED_ABILITIES.issuperset(missing) else lacks(missing)


def _missing(model: Considered, situation: Situation) -> tuple[str, ...]:
    """The abilities that are needed and known to be missing."""
    can, needs = model.card.can, situation.request.needs
    return () if can is None or needs <= can or model.simulated else tuple(sorted(needs - can))


def _params(model: Considered, situation: Situation) -> str | None:
    together = situation.request.params & model.card.one_of
    if len(together) > 1 and not model.named:
        return f"it takes only one of {' and '.join(sorted(together))}"
    if model.named or situation.request.params.isdisjoint(model.card.refuses):
        return None
    return f"it refuses {', '.join(sorted(situation.request.params & model.card.refuses))}"


def _window(model: Considered, situation: Situation) -> str | None:
    window = model.card.context_window
    if window is None:
        return None
    tokens, cap = situation.request.prompt_tokens, output_cap(model.card, situation.request.max_output_tokens)
    if tokens + cap <= window:
        return None
    return f"about {tokens:,} tokens and up to {cap:,} of reply do not fit its window of {window:,}"


def _credentials(model: Considered, situation: Situation) -> str | None:
    if model.ref.provider not in situation.observations.without_credentials:
        return None
    ways = " or ".join(" with ".join(way) for way in model.provider.credentials)
    return f"no credentials: {ways} not set" if ways else "no credentials"


def _cooling(model: Considered, situation: Situation) -> str | None:
    cooling = situation.observations.cooling
    for name in (str(model.ref), model.ref.provider) if cooling else ():
        if name in cooling:
            return f"{name} is cooling down after failures"
    return None


def _priced(model: Considered, situation: Situation) -> str | None:
    observations = situation.observations
    if observations.budget_left is None or not observations.prices.refuse_unpriced:
        return None
    entry = observations.prices.entry(model.ref, observations.now)
    return f"unpriced under a budget: {entry.reason}" if isinstance(entry, Unpriced) else None


def _affordable(model: Considered, situation: Situation) -> str | None:
    observations, request = situation.observations, situation.request
    if observations.budget_left is None:
        return None
    cap = output_cap(model.card, request.max_output_tokens)
    worst = observations.prices.worst_case(model.ref, request.prompt_tokens, cap, observations.now)
    if isinstance(worst, Unpriced) or worst <= observations.budget_left:
        return None
    return f"its worst case of ${usd(worst)} is above the ${usd(observations.budget_left)} left"


FILTERS: tuple[tuple[RefusalKind, Filter], ...] = (
    ("offline", _offline),
    ("simulated", _simulated),
    ("provider", _provider),
    ("ability", _abilities),
    ("params", _params),
    ("window", _window),
    ("credentials", _credentials),
    ("cooling", _cooling),
    ("price", _priced),
    ("budget", _affordable),
)


_CONVINCING = 10
"""Calls that weigh as much as a declared latency: two of them do not replace it."""


def _expected_seconds(card: ModelCard, name: str, observations: Observations) -> float | None:
    """What was observed, the declared latency beside it until enough was."""
    seen, declared, calls = observations.latency_s.get(name), card.total_s, observations.calls.get(name, 0)
    if seen is None:
        return declared
    if declared is None or not calls:  # nobody counted them
        return seen
    return (seen * calls + declared * _CONVINCING) / (calls + _CONVINCING) if calls < _CONVINCING else seen


def _expected_cost(model: Considered, name: str, situation: Situation) -> Money | None:
    observations, request = situation.observations, situation.request
    cap = output_cap(model.card, request.max_output_tokens)
    output = min(cap, round(observations.output_tokens.get(name, EXPECTED_OUTPUT_TOKENS)))
    return observations.prices.plain(model.ref, request.prompt_tokens, output, observations.now)
