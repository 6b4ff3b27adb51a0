"""What the gateway is asked, what it answers, and what it needs from the rooms around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from nano_flow.core.messages import ChatReply, Json, Message, ToolSpec
from nano_flow.core.money import ZERO, Cost, Money, Unpriced
from nano_flow.core.refs import ModelRef
from nano_flow.plan.call_specs import USUAL_ROUTE, ReplySpec, RouteSpec
from nano_flow.plan.plan import PlannedRetry
from nano_flow.ports import ChatProvider
from nano_flow.routing.refusals import Refusal

FREE = Cost(ZERO)


@dataclass(frozen=True, slots=True)
class ModelAsk:
    """One turn of an agent, a judge or a repair, fully rendered.

    ``address`` and ``turn`` name the result in the journal. ``route`` says who may answer, ``reply`` what is asked of
    the answer. ``escalate`` counts tiers above the routed one. ``budgets`` are the scopes that pay, from the run
    (``""``) inwards. ``facts`` are what routing may know beside the messages (``iteration``, ``upstream_tokens``,
    ``max_turns`` …). A new field is part of the question that a recorded or kept reply answers, unless
    ``gateway/sending/fingerprint.py`` lists it.
    """

    address: str
    turn: int
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    route: RouteSpec = USUAL_ROUTE
    reply: ReplySpec = field(default_factory=ReplySpec)
    escalate: int = 0
    facts: Mapping[str, Json] = field(default_factory=dict)
    budgets: tuple[str, ...] = ("",)
    cache: bool = False
    cache_ttl_s: float | None = None
    cache_part: str = ""
    """What tells kept replies to one question apart: the iteration of a loop, which wants a new reply."""
    timeout_s: float | None = None
    retry: PlannedRetry | None = None
    purpose: Literal["agent", "judge"] = "agent"
    script_turn: int | None = None
    """Which turn of a scripted reply is due, where that is not ``turn``: judges are no turns of a script."""
    written: str | None = None
    """What the step's author wrote, where the messages hold more than that (notes of the engine, results of tools):
    its tier is decided by this. None: all that the user side says in the messages."""
    keep_model: str | None = None
    """``provider/model`` of the conversation so far: tried first, so that a tool loop stays with one model."""
    repairs: int = 0
    """How often a reply that fails its checks goes back at most, in all."""
    may_escalate: int = 0
    """How many of these go to a tier above."""
    sample: int = 0
    """Which further sample of the same question it is; 0 is the reply itself."""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """A whole reply. ``cost`` is what this run paid for it now: nothing where it was cached or recorded."""

    reply: ChatReply
    model: ModelRef
    requested: str
    cost: Cost | Unpriced = FREE
    cached: bool = False
    replayed: bool = False
    score: float | None = None
    tier: str | None = None
    decision: Mapping[str, Json] = field(default_factory=dict)
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a choice of models depends on beside the question: a snapshot, taken when the call is made."""

    now: float
    input_tokens: int
    """An estimate of all messages, tools and schemas."""
    cooling: frozenset[str] = frozenset()
    """Providers and ``provider/model`` whose circuit breaker is open."""
    budget_left: Money | None = None
    """Of the tightest budget that pays; what running calls hold is not deducted, for it may come back."""
    began_with: Money | None = None
    """``budget_left`` when the execution asked first: rules go by it, so that its tier is decided once."""
    downgrade: bool = False
    """Whether the budget was nearly spent then."""
    load: Mapping[str, float] = field(default_factory=dict)
    """The share of what a model, or its provider, bears that is taken."""


class Routed(Protocol):
    """A decision: who may answer, in which order, and why."""

    @property
    def candidates(self) -> tuple[ModelRef, ...]:
        """Each model once, in the order to try."""

    @property
    def requested(self) -> str:
        """What was asked for, as the reader of a report knows it: ``auto``, a tier or ``provider/model``."""

    @property
    def score(self) -> float | None:
        """The complexity, where it was needed."""

    @property
    def tier(self) -> str | None:
        """The tier that was chosen, if one was."""

    @property
    def notices(self) -> tuple[str, ...]:
        """What should not stay unsaid, in sentences."""

    @property
    def on_use(self) -> Mapping[ModelRef, tuple[str, ...]]:
        """Those of the notices that wait until a model is asked."""

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """Every model that was considered and may not answer, and why."""

    @property
    def fixed(self) -> bool:
        """Whether no budget moves the call to another model than the first."""

    @property
    def cascade(self) -> tuple[str, ...]:
        """Tiers above that a judged reply may be given up for."""

    @property
    def decision(self) -> Mapping[str, Json]:
        """The whole decision as a ``nano-flow/decision@1`` mapping."""


class Router(Protocol):
    """Chooses candidates; raises NextModel with every reason where none is left."""

    def __call__(self, ask: ModelAsk, circumstances: Circumstances) -> Routed:
        """Decide; pure and quick."""

    def keeps_prompts(self, ask: ModelAsk, circumstances: Circumstances) -> bool:
        """Whether the policy allows to keep what is asked for reports; pure, and quick."""


class Providers(Protocol):
    """The adapters in force, made on first use."""

    async def ready(self, name: str) -> ChatProvider:
        """The adapter of the provider ``name``; while a first one is made, which may take seconds, others go on."""
