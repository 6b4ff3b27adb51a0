"""A gateway with fake providers, a fake clock and a list of events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal

from nano_flow.core.events import Event
from nano_flow.core.messages import ChatReply, ChatRequest, Json, Message, Usage
from nano_flow.core.money import Money
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.ask import Circumstances, ModelAsk
from nano_flow.gateway.gateway import Gateway
from nano_flow.gateway.services import GatewayServices
from nano_flow.plan.call_specs import ReplySpec, RouteSpec
from nano_flow.plan.catalogue import Catalogue, ModelCard, ProviderCard
from nano_flow.plan.plan import PlannedBudget
from nano_flow.pricing.ledger import Ledger
from nano_flow.pricing.prices import Prices
from nano_flow.pricing.rates import PriceList, StatedEntry, StatedPrices, build_entry
from nano_flow.routing.refusals import Refusal
from tests.providers.clock import FakeClock

A, B, C = (ModelRef(name, "one") for name in ("alpha", "beta", "gamma"))
Outcome = ChatReply | BaseException | Callable[[ChatRequest], ChatReply]


def reply(text: str = "fine", **fields: object) -> ChatReply:
    plain = ChatReply(text, "stop", Usage(input_tokens=10, output_tokens=5), model="one")
    return replace(plain, **fields)  # type: ignore[arg-type]


@dataclass
class FakeProvider:
    """Answers from a list; the last outcome goes on."""

    outcomes: Sequence[Outcome] = (reply(),)
    pieces: Sequence[str] = ()
    seen: list[ChatRequest] = field(default_factory=list)
    before: Callable[[], None] = lambda: None

    async def complete(self, request: ChatRequest, on_text: Callable[[str], None] | None = None) -> ChatReply:
        outcome = self.outcomes[min(len(self.seen), len(self.outcomes) - 1)]
        self.seen.append(request)
        self.before()
        for piece in self.pieces if on_text else ():
            assert on_text is not None
            on_text(piece)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome if isinstance(outcome, ChatReply) else outcome(request)

    async def close(self) -> None:
        """Nothing to close."""


@dataclass(frozen=True)
class Decided:
    """What a router says."""

    candidates: tuple[ModelRef, ...]
    requested: str = "auto"
    score: float | None = 4.0
    tier: str | None = "standard"
    notices: tuple[str, ...] = ()
    on_use: Mapping[ModelRef, tuple[str, ...]] = field(default_factory=dict)
    cascade: tuple[str, ...] = ()
    fixed: bool = False
    refused: tuple[Refusal, ...] = ()
    decision: Mapping[str, Json] = field(default_factory=dict)


@dataclass
class World:
    """Everything around one gateway; made with ``gateway()`` after the fields are set."""

    providers: dict[str, FakeProvider] = field(
        default_factory=lambda: {n: FakeProvider() for n in ("alpha", "beta", "gamma")}
    )
    candidates: tuple[ModelRef, ...] = (A, B)
    clock: FakeClock = field(default_factory=FakeClock)
    events: list[Event] = field(default_factory=list)
    budget: PlannedBudget = field(default_factory=PlannedBudget)
    routed: list[Circumstances] = field(default_factory=list)
    limits: Mapping[str, int] = field(default_factory=dict)
    extra: dict[str, object] = field(default_factory=dict)
    cap: int | None = 100
    """Of every model's replies."""

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.budget)

    async def ready(self, name: str) -> FakeProvider:
        return self.providers[name]

    def route(self, ask: ModelAsk, circumstances: Circumstances) -> Decided:
        self.routed.append(circumstances)
        return Decided(self.candidates)

    async def durable(self, event: Event) -> None:
        self.events.append(event)

    def gateway(self) -> Gateway:
        cards = {
            name: ProviderCard(
                name,
                "openai",
                "sim" if name == "sim" else None,
                models={"one": ModelCard(ModelRef(name, "one"), 1000, self.cap)},
                timeout_s=60.0,
                rpm=self.limits.get("rpm"),
                tpm=self.limits.get("tpm"),
                in_flight=self.limits.get("in_flight"),
            )
            for name in self.providers
        }
        services = GatewayServices(
            clock=self.clock,
            emit=self.events.append,
            durable=self.durable,
            catalogue=Catalogue(cards),
            providers=self,
            route=self.route,
            prices=PRICES,
            ledger=self.ledger,
            random=lambda: 0.5,
        )
        return Gateway(replace(services, **self.extra))  # type: ignore[arg-type]

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


def price(dollars_in: str, dollars_out: str, name: str) -> PriceList:
    stated = StatedPrices(Decimal(dollars_in), Decimal(dollars_out))
    return PriceList(name, (build_entry(StatedEntry(f"{name}@2025", None, {-1: stated})),))


PRICES = Prices({f"{name}/one": price("1", "2", f"{name}/one") for name in ("alpha", "beta", "sim")})
"""alpha, beta and sim cost 1,000 nano-dollars a token in and 2,000 out; gamma has no price."""


def ask(text: str = "hello", **said: object) -> ModelAsk:
    """A question; what belongs to its route or its reply is put there."""
    plain = ModelAsk("step", 0, (Message("user", text),))
    route = replace(plain.route, **_taken(said, RouteSpec))  # type: ignore[arg-type]
    reply = replace(plain.reply, **_taken(said, ReplySpec))  # type: ignore[arg-type]
    return replace(plain, route=route, reply=reply, **said)  # type: ignore[arg-type]


def _taken(said: dict[str, object], kind: type) -> dict[str, object]:
    return {field.name: said.pop(field.name) for field in fields(kind) if field.name in said}


COST = Money(10 * 1000 + 5 * 2000)
"""What ``reply()`` costs."""
