"""What the gateway is asked, what it answers, and what it needs from the rooms around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from nano_flow.core.events import Event
from nano_flow.core.messages import ChatReply, Json, Message, ToolSpec
from nano_flow.core.money import ZERO, Cost, Unpriced
from nano_flow.core.refs import ModelRef
from nano_flow.plan.plan import PlannedRetry
from nano_flow.ports import ChatProvider


@dataclass(frozen=True, slots=True)
class ModelAsk:
    """One turn of an agent, a judge or a repair, fully rendered.

    ``address`` and ``turn`` name the result in the journal. ``model`` is ``auto``, a tier or ``provider/model``;
    ``fallback`` as in ``PlannedPrompt``. ``escalate`` counts tiers above the routed one. ``budgets`` are the scopes
    that pay, from the run (``""``) inwards. ``facts`` are what routing may know beside the messages
    (``tags``, ``iteration``, ``upstream_tokens``, ``max_turns`` …).
    """

    address: str
    turn: int
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    output_schema: Mapping[str, Json] | None = None
    params: Mapping[str, Json] = field(default_factory=dict)
    max_output_tokens: int | None = None
    model: str = "auto"
    policy: str = "default"
    providers: tuple[str, ...] = ()
    complexity: float | None = None
    complexity_at_least: float | None = None
    complexity_at_most: float | None = None
    fallback: tuple[str, ...] | str | Literal[False] | None = None
    escalate: int = 0
    tags: tuple[str, ...] = ()
    facts: Mapping[str, Json] = field(default_factory=dict)
    budgets: tuple[str, ...] = ("",)
    cache: bool = False
    cache_ttl_s: float | None = None
    timeout_s: float | None = None
    retry: PlannedRetry | None = None
    keep_model: str | None = None
    """``provider/model`` of the conversation so far: tried first, so that a tool loop stays with one model."""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """A whole reply. ``cost`` is what this run paid for it now: nothing where it was cached or recorded."""

    reply: ChatReply
    model: ModelRef
    requested: str
    cost: Cost | Unpriced = Cost(ZERO)
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
    prompt_tokens: int
    cooling: frozenset[str] = frozenset()
    """Providers and ``provider/model`` whose circuit breaker is open."""
    without_credentials: frozenset[str] = frozenset()
    """Names of providers that no key was found for."""
    budget_left: int | None = None
    """Nano-dollars, of the tightest budget that pays."""
    budget_limit: int | None = None
    downgrade: bool = False
    offline: bool = False


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
    def decision(self) -> Mapping[str, Json]:
        """The whole decision as a ``nano-flow/decision@1`` mapping."""


class Router(Protocol):
    """Chooses candidates; raises NextModel with every reason where none is left."""

    def __call__(self, ask: ModelAsk, circumstances: Circumstances) -> Routed:
        """Decide; pure and quick."""


class Events(Protocol):
    """Where events go: journal and sinks."""

    def emit(self, event: Event) -> None:
        """Tell everybody; written to the journal soon."""

    async def durable(self, event: Event) -> None:
        """The same, and return when it is on disk."""


class Providers(Protocol):
    """The adapters in force, made on first use."""

    def get(self, name: str) -> ChatProvider:
        """The adapter of the provider ``name``."""


@dataclass(frozen=True, slots=True)
class FallbackRules:
    """How failures are answered: ``fallback:`` of ``routing.yaml``."""

    attempts: int = 3
    next_model_on: frozenset[str] = frozenset(
        {
            "rate_limit",
            "overloaded",
            "server_error",
            "timeout",
            "connection",
            "model_not_found",
            "credentials",
            "context_window",
        }
    )
    stop_on: frozenset[str] = frozenset({"bad_request", "content_filter"})
    cooldown_after: int = 3
    cooldown_s: float = 60.0


Random = Callable[[], float]
"""A number in [0, 1), as ``random.random``."""
