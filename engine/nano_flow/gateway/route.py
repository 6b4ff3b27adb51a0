"""Puts a model call before the routing policy: gathers its facts, and tells the policy how the world stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from nano_flow.core.messages import Json, Message
from nano_flow.core.money import usd
from nano_flow.gateway.ask import Circumstances, ModelAsk
from nano_flow.gateway.observed import Observed
from nano_flow.plan.call_specs import RouteSpec
from nano_flow.plan.catalogue import Catalogue, ProviderCard
from nano_flow.pricing.prices import Prices
from nano_flow.routing.choose import decide, keeps_prompts
from nano_flow.routing.facts import Facts, PromptFacts, RunFacts, StepFacts, prompt_facts
from nano_flow.routing.reading import Reading, read_text
from nano_flow.routing.request import Observations, RouteDecision, RouteRequest
from nano_flow.routing.rules import RoutingPolicy

MAX_READ = 200_000
"""Characters of a prompt that facts are counted on."""


@dataclass(frozen=True, slots=True)
class PolicyRouter:
    """A ``Router`` that follows ``routing.yaml``."""

    policy: RoutingPolicy
    catalogue: Catalogue
    prices: Prices
    observed: Observed
    without_credentials: frozenset[str] = frozenset()
    offline: bool = False
    no_fallback: bool = False

    def __call__(self, ask: ModelAsk, circumstances: Circumstances) -> RouteDecision:
        """Decide; raises NoCandidate where no model is left."""
        request = self._request(ask, circumstances)
        world = Observations(
            prices=self.prices,
            now=circumstances.now,
            without_credentials=self.without_credentials,
            cooling=circumstances.cooling,
            budget_left=circumstances.budget_left,
            downgrade=circumstances.downgrade,
            load=circumstances.load,
            offline=self.offline,
            no_fallback=self.no_fallback,
            latency_s=self.observed.latency_s,
            output_tokens=self.observed.output_tokens,
            calls=self.observed.calls,
        )
        return decide(request, self.policy, self.catalogue, world)

    def keeps_prompts(self, ask: ModelAsk, circumstances: Circumstances) -> bool:
        """Whether the rules allow to keep what is asked."""
        return keeps_prompts(self._request(ask, circumstances), self.policy)

    def _request(self, ask: ModelAsk, circumstances: Circumstances) -> RouteRequest:
        reading, counted = _read(_prompt(ask))
        return RouteRequest(
            facts=Facts(counted, _step_facts(ask), _run_facts(ask, circumstances)),
            reading=reading,
            route=meant(ask.route, self.catalogue),
            needs=_needs(ask),
            params=frozenset(ask.reply.params),
            input_tokens=circumstances.input_tokens,
            max_output_tokens=ask.reply.max_output_tokens,
            escalate=ask.escalate,
            keep=ask.keep_model,
            repairs=ask.repairs,
            may_escalate=ask.may_escalate,
        )


def meant(route: RouteSpec, catalogue: Catalogue) -> RouteSpec:
    """The route with the model that an alias means, and what follows it where the step does not say so itself."""
    models = catalogue.aliases.get(route.model)
    if models is None:
        return route
    follows = models[1:] if route.fallback is None and len(models) > 1 else route.fallback
    return replace(route, model=models[0], fallback=follows)


def without_credentials(catalogue: Catalogue, environ: Mapping[str, str]) -> frozenset[str]:
    """The names of the providers for which no set of variables is complete."""
    return frozenset(name for name, card in catalogue.providers.items() if not has_credentials(card, environ))


def has_credentials(card: ProviderCard, environ: Mapping[str, str]) -> bool:
    """Whether one of the provider's sets of variables is set, none of them empty; True where it needs none."""
    return not card.credentials or any(all(environ.get(name) for name in way) for way in card.credentials)


@lru_cache(maxsize=32)
def _read(prompt: str) -> tuple[Reading, PromptFacts]:
    """A prompt and its facts; kept, for every turn of a tool loop asks for those of the same prompt."""
    reading = read_text(prompt)
    return reading, prompt_facts(reading)


def _prompt(ask: ModelAsk) -> str:
    """What the step's author wrote: neither a repair nor a tool's result makes a task look harder, or simpler."""
    if ask.written is not None:
        return ask.written[:MAX_READ]
    said = [message.content for message in ask.messages if message.role == "user"]
    return (said[0] if len(said) == 1 else "\n\n".join(said))[:MAX_READ]


def _needs(ask: ModelAsk) -> frozenset[str]:
    needs = set()
    if ask.tools:
        needs.add("tools")
    if ask.reply.output_schema is not None:
        needs.add("json_schema")
    if _has_images(ask.messages):
        needs.add("vision")
    return frozenset(needs)


def _has_images(messages: tuple[Message, ...]) -> bool:
    return any(a.media_type.startswith("image/") for message in messages for a in message.attachments)


def _step_facts(ask: ModelAsk) -> StepFacts:
    return StepFacts(
        tool_count=len(ask.tools),
        output_schema_size=_properties(dict(ask.reply.output_schema)) if ask.reply.output_schema else 0,
        has_images=_has_images(ask.messages),
        max_turns=_whole(ask.facts.get("max_turns"), 1),
        tags=ask.route.tags,
    )


def _run_facts(ask: ModelAsk, circumstances: Circumstances) -> RunFacts:
    left = circumstances.began_with
    return RunFacts(
        upstream_tokens=_whole(ask.facts.get("upstream_tokens"), 0),
        iteration=_whole(ask.facts.get("iteration"), 1),
        budget_left=None if left is None else float(usd(left)),
    )


def _whole(value: Json, default: int) -> int:
    return value if isinstance(value, int) else default


def _properties(schema: Json) -> int:
    """How many properties a schema names, nested ones too."""
    if isinstance(schema, list):
        return sum(_properties(part) for part in schema)
    if not isinstance(schema, dict):
        return 0
    named = schema.get("properties")
    own = len(named) if isinstance(named, dict) else 0
    return own + sum(_properties(part) for part in schema.values())
