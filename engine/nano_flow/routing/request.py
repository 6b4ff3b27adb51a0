"""What is asked of routing, what it is told of the world, and what it decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from nano_flow.core.errors import NextModel
from nano_flow.core.messages import Json
from nano_flow.core.money import Money, usd
from nano_flow.core.refs import ModelRef
from nano_flow.plan.call_specs import USUAL_ROUTE, RouteSpec
from nano_flow.pricing.prices import Prices
from nano_flow.routing.facts import Facts
from nano_flow.routing.reading import Reading
from nano_flow.routing.refusals import BESIDE_THE_POINT, Refusal, cause, told
from nano_flow.routing.signals import SignalPoints


@dataclass(frozen=True, slots=True)
class RouteRequest:
    """One model call before its model is known.

    ``needs`` are abilities (``tools``, ``json_schema``, ``vision``), ``params`` the names of parameters that are set.
    ``input_tokens`` 0 takes the estimate of the facts. ``escalate`` counts tiers above the routed one. ``keep`` names
    the model to go on with. ``repairs`` is how often a reply that fails its checks goes back at most, ``may_escalate``
    how many of these go to a tier above: neither decides anything, a replay under another policy follows them.
    """

    facts: Facts
    reading: Reading
    route: RouteSpec = USUAL_ROUTE
    needs: frozenset[str] = frozenset()
    params: frozenset[str] = frozenset()
    input_tokens: int = 0
    max_output_tokens: int | None = None
    escalate: int = 0
    keep: str | None = None
    repairs: int = 0
    may_escalate: int = 0

    def asked(self) -> dict[str, Json]:
        """Everything beside facts and text that differs from the default, as plain data; kinds of personal data."""
        said: dict[str, Json] = {
            **self.route.said(),
            "needs": [*sorted(self.needs)] or None,
            "params": [*sorted(self.params)] or None,
            "input_tokens": self.input_tokens or None,
            "max_output_tokens": self.max_output_tokens,
            "escalate": self.escalate or None,
            "keep": self.keep,
            "repairs": self.repairs or None,
            "may_escalate": self.may_escalate or None,
            "personal": [*self.reading.personal] or None,
        }
        return {name: value for name, value in said.items() if value is not None}

    @property
    def prompt_tokens(self) -> int:
        """Tokens to send, measured where they were, else estimated."""
        return self.input_tokens or self.facts.prompt.prompt_tokens


@dataclass(frozen=True, slots=True)
class Observations:
    """The world at the time of a call.

    ``without_credentials`` holds names of providers; ``cooling`` holds names of providers and ``provider/model``;
    ``budget_left`` None is no budget; ``latency_s`` and ``output_tokens`` are what the journal observed, by model, over
    ``calls``.
    """

    prices: Prices
    now: float
    without_credentials: frozenset[str] = frozenset()
    cooling: frozenset[str] = frozenset()
    budget_left: Money | None = None
    downgrade: bool = False
    offline: bool = False
    no_fallback: bool = False
    latency_s: Mapping[str, float] = field(default_factory=dict)
    output_tokens: Mapping[str, float] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    load: Mapping[str, float] = field(default_factory=dict)
    """The share of what a model, or its provider, bears that is taken by calls under way."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may serve; ``cost`` and ``seconds`` are expected ones, None where nobody knows.

    They follow what was measured over ``calls``; without any, the usual length of a reply and the declared latency.
    ``by_prompt`` are abilities that it lacks and is asked for in its prompt instead.
    """

    ref: ModelRef
    cost: Money | None = None
    seconds: float | None = None
    calls: int = 0
    by_prompt: tuple[str, ...] = ()
    strength: float | None = None
    load: float = 0.0

    def as_json(self) -> dict[str, Json]:
        """As in ``expected`` of a decision."""
        cost = None if self.cost is None else usd(self.cost)
        seconds = None if self.seconds is None else round(self.seconds, 3)
        return {"cost_usd": cost, "duration_s": seconds, "measured_calls": self.calls}


Chooser = Callable[[tuple[Candidate, ...], Observations], Sequence[Candidate]]
"""A way to order candidates that an installed package adds: a pure function of them and of what was observed."""


@dataclass(frozen=True, slots=True)
class RouteDecision:
    """Who may answer, in the order to try, and every reason.

    ``notices`` are sentences that the reader of a run should see (credentials missing for the first choice, a fallback
    that is far dearer). ``cascade`` lists the tiers above that a judged reply may still be given up for.
    """

    requested: str
    score: float | None
    tier: str | None
    estimates: tuple[Candidate, ...]
    because: tuple[SignalPoints, ...]
    refused: tuple[Refusal, ...]
    facts: Facts
    policy: str = "default"
    notices: tuple[str, ...] = ()
    on_use: Mapping[ModelRef, tuple[str, ...]] = field(default_factory=dict)
    """Those of the notices that are nobody's business before that model is asked."""
    cascade: tuple[str, ...] = ()
    kind: str | None = None
    """The kind of task, where one of the policy's holds."""
    rule: tuple[str, str] | None = None
    """Where the rule stands that holds, and its reason."""
    fixed: bool = False
    """Its first choice was named, or no other is wanted: no budget moves the call to another model."""
    asked: Mapping[str, Json] = field(default_factory=dict)
    """What the step said beside its prompt, so that a recorded decision can be made again."""

    @property
    def candidates(self) -> tuple[ModelRef, ...]:
        """Each model once, in the order to try."""
        return tuple(candidate.ref for candidate in self.estimates)

    @property
    def model(self) -> ModelRef | None:
        """The first choice."""
        return self.estimates[0].ref if self.estimates else None

    @property
    def decision(self) -> Mapping[str, Json]:
        """``as_json()``, under the name that the gateway asks for."""
        return self.as_json()

    def as_json(self) -> dict[str, Json]:
        """``nano-flow/decision@1``."""
        return {
            "schema": "nano-flow/decision@1",
            "requested": self.requested,
            "policy": self.policy,
            "score": None if self.score is None else round(self.score, 2),
            "tier": self.tier,
            "kind": self.kind,
            "rule": None if self.rule is None else {"at": self.rule[0], "because": self.rule[1]},
            "model": str(self.model) if self.model else None,
            "candidates": [str(ref) for ref in self.candidates],
            "because": [points.as_json() for points in self.because],
            "refused": [refusal.as_json() for refusal in self.refused],
            "facts": self.facts.as_json(),
            "expected": {str(candidate.ref): candidate.as_json() for candidate in self.estimates},
            "notices": list(self.notices),
            "cascade": list(self.cascade),
            "asked": dict(self.asked),
        }


class NoCandidate(NextModel):
    """No model is left; ``decision`` has every refusal, the message names them all."""

    def __init__(self, decision: RouteDecision, variables: tuple[str, ...] = ()) -> None:
        self.decision = decision
        kinds = {refusal.kind for refusal in decision.refused} - BESIDE_THE_POINT
        if kinds == {"credentials"}:
            self.kind = "credentials"
        asked = f'"{decision.requested}"' + (f' (tier "{decision.tier}")' if decision.tier else "")
        hint = ""
        if variables and cause(decision.refused) == "credentials":
            hint = f"\nset {' or '.join(variables)}, or rehearse with --offline"
        why, reasons = told(decision.refused)
        super().__init__(f"{why}no model can serve {asked}:{reasons}{hint}")

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """Every model that was considered, and why it was refused."""
        return self.decision.refused
