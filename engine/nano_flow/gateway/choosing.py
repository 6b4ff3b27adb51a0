"""Asks the router for candidates, tells what it decided, and waits where all of them are cooling down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from nano_flow.core.calls import TURNS_PER_GENERATION, turn_and_sample
from nano_flow.core.errors import BadCredentials, LimitReached
from nano_flow.core.events import NoticeGiven, RouteDecided
from nano_flow.core.messages import Json
from nano_flow.core.money import Money
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.ask import Circumstances, ModelAsk, Routed
from nano_flow.gateway.limits.cooldown import Cooldowns
from nano_flow.gateway.limits.load import Load
from nano_flow.gateway.sending.question import Question
from nano_flow.gateway.services import GatewayServices
from nano_flow.routing.refusals import BESIDE_THE_POINT, OF_MONEY, Refusal
from nano_flow.routing.request import NoCandidate

_REMEMBERED = 10_000
"""Executions of which is known how much was left when they asked first: more than ever run at once."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A decision, its mapping made once. ``on_use`` are notices that are due when their model is asked.

    ``keyless`` are the providers that were passed over for lack of credentials, with their variables; ``fixed``: no
    budget moves the call to another model.
    """

    candidates: tuple[ModelRef, ...]
    score: float | None
    tier: str | None
    decision: Mapping[str, Json]
    on_use: Mapping[ModelRef, tuple[str, ...]] = field(default_factory=dict)
    keyless: tuple[str, ...] = ()
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Chooser:
    """Decisions of one run; each notice is given once."""

    services: GatewayServices
    cooldowns: Cooldowns
    load: Load
    noticed: set[str] = field(default_factory=set)
    first: dict[tuple[str, str, int], tuple[Money | None, bool]] = field(default_factory=dict)
    """By execution, the latest that asked at the end: how much was left when it asked first."""

    async def choose(self, question: Question) -> Chosen:
        """Candidates for a question, told to everybody. NoCandidate or LimitReached where there are none."""
        ask = question.ask
        routed = await self._routed(question)
        later = routed.on_use
        ways = self._keyless(routed.refused)
        keyless = tuple(f"{name} ({' or '.join(sets)})" for name, sets in ways.items())
        chosen = Chosen(
            routed.candidates, routed.score, routed.tier, routed.decision, later, keyless, fixed=routed.fixed
        )
        self.tell(ask, question.requested, chosen.score, chosen.tier, chosen.decision)
        not_yet = {notice for notices in later.values() for notice in notices}
        for notice in routed.notices:
            if notice not in not_yet:
                self.notice(ask.address, notice)
        return chosen

    def tell(
        self, ask: ModelAsk, requested: str, score: float | None, tier: str | None, decision: Mapping[str, Json]
    ) -> None:
        """A decision was made."""
        at = self.services.clock.now()
        self.services.emit(RouteDecided(at, ask.address, ask.turn, requested, score, tier, decision, ask.purpose))

    def notice(self, address: str, message: str) -> None:
        """Say something to the reader of the run, once."""
        if message not in self.noticed:
            self.noticed.add(message)
            self.services.emit(NoticeGiven(self.services.clock.now(), address, message))

    async def _routed(self, question: Question) -> Routed:
        services, clock, ask = self.services, self.services.clock, question.ask
        try:
            return services.route(ask, self._circumstances(ask, question.likely_tokens))
        except NoCandidate as error:
            kinds = {refusal.kind for refusal in error.refused}
            wait = self.cooldowns.next_end(clock.monotonic())
            if "cooling" in kinds and wait is not None:
                self.notice(ask.address, "every model that may answer is cooling down after failures: waiting")
                await clock.sleep(max(wait, 0.0))
                return services.route(
                    ask, replace(self._circumstances(ask, question.likely_tokens), cooling=frozenset())
                )
            if kinds & OF_MONEY:
                more = "raise the budget" if "budget" in kinds else "give the model a price in pricing.yaml"
                message = f"{error}\n{more}, or go on later with: nano-flow resume --budget USD"
                raise LimitReached("budget.usd", message, self._tightest(ask.budgets)) from error
            raise self._without_keys(error) or error from None

    def _without_keys(self, error: NoCandidate) -> BadCredentials | None:
        """What to do where keys are all that is missing, said first and shortly; None where something else is."""
        refused = [refusal for refusal in error.refused if refusal.kind not in BESIDE_THE_POINT]
        keyless = self._keyless(refused)
        if not keyless:
            return None
        ways = dict.fromkeys(way for sets in keyless.values() for way in sets)
        message = f"no key is set: looked for {', '.join(ways)}; set one of them, or rehearse with --offline"
        others = [f"{r.model}: {r.reason}" for r in refused if r.kind not in ("credentials", "provider")]
        return BadCredentials(f"{message} ({'; '.join(others)})" if others else message)

    def _keyless(self, refused: Iterable[Refusal]) -> Mapping[str, list[str]]:
        """Providers whose credentials are missing, each with the sets of variables that it takes."""
        cards = self.services.catalogue.providers
        names = dict.fromkeys(refusal.model.provider for refusal in refused if refusal.kind == "credentials")
        return {name: [" with ".join(way) for way in cards[name].credentials] for name in names}

    def keeps_prompts(self, ask: ModelAsk) -> bool:
        """Whether the policy allows to keep what is asked; nothing is found out where no rule speaks of it."""
        policy = self.services.policy
        if policy is not None and all(rule.keeps_prompts for rule in policy.rules_of(ask.route.policy).rules):
            return True
        return self.services.route.keeps_prompts(ask, self._circumstances(ask, 0))

    def _circumstances(self, ask: ModelAsk, likely_tokens: int) -> Circumstances:
        services = self.services
        began_with, downgrade = self._at_first(ask)
        return Circumstances(
            now=services.clock.now(),
            input_tokens=likely_tokens,
            cooling=self.cooldowns.cooling(services.clock.monotonic()),
            budget_left=self._budget_left(ask.budgets),
            began_with=began_with,
            downgrade=downgrade,
            load=self.load.shares(),
        )

    def _at_first(self, ask: ModelAsk) -> tuple[Money | None, bool]:
        """What was left when this execution asked first, and whether that was little: its tier is decided once."""
        key = (ask.address, ask.purpose, turn_and_sample(ask.turn)[0] // TURNS_PER_GENERATION)
        found = self.first.pop(key, None)
        if found is None:
            found = (self._budget_left(ask.budgets), self.services.ledger.under_pressure(ask.budgets))
        if len(self.first) >= _REMEMBERED:
            del self.first[next(iter(self.first))]
        self.first[key] = found
        return found

    def _budget_left(self, scopes: tuple[str, ...]) -> Money | None:
        """What is left of the tightest budget, with what running calls hold: they may give it back."""
        left = self.services.ledger.left(scopes)
        if left is None:
            return None
        free, total = left
        return Money(min(free + self.services.ledger.reserved(), total))

    def _tightest(self, scopes: tuple[str, ...]) -> str:
        left = {scope: found[0] for scope in scopes if (found := self.services.ledger.left((scope,)))}
        return min(left, key=lambda scope: left[scope], default="")
