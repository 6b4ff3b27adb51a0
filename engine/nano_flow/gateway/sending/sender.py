"""One attempt of one model: reserve, wait for its pace, write the intent down, send, enter the result."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

from nano_flow.core.errors import ConnectionLost, ContentRefused, LimitReached, ServerFailed, TimedOut
from nano_flow.core.events import TextStreamed
from nano_flow.core.messages import ChatReply, ChatRequest
from nano_flow.core.money import ZERO, Cost, Money, Unpriced
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.ask import ModelAsk, Providers
from nano_flow.gateway.limits.pace import Pace
from nano_flow.gateway.sending.books import Attempt, Books, Unusable
from nano_flow.gateway.sending.deadlines import standing_still
from nano_flow.gateway.sending.first_piece import in_time
from nano_flow.gateway.sending.question import Question
from nano_flow.plan.catalogue import Catalogue, ModelCard, ProviderCard
from nano_flow.pricing.budgets import Reservation
from nano_flow.pricing.tokens import upper_bound
from nano_flow.routing.candidates import output_cap

_MORE_ROOM = 4
"""How many times its cap a reply gets that stopped at it, where the policy says so."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole reply and its bill."""

    reply: ChatReply
    cost: Cost | Unpriced


@dataclass(frozen=True, slots=True)
class Sender:
    """What every attempt of a run needs; ``paces`` are made on first use."""

    books: Books
    catalogue: Catalogue
    providers: Providers
    stream: bool = False
    paces: dict[str, Pace] = field(default_factory=dict)

    async def attempt(self, question: Question, ref: ModelRef) -> Answered:
        """Send once. Raises ProviderError, StepError or LimitReached; whatever happens is settled and told."""
        while True:  # again only where a price went up while the call waited for its pace
            answered = await self._at_the_price_of_now(question, ref)
            if answered is not None:
                return answered

    async def _at_the_price_of_now(self, question: Question, ref: ModelRef) -> Answered | None:
        """The same; None, and nothing is sent or kept aside, where the reservation no longer covers the call."""
        provider = self.catalogue.providers[ref.provider]
        request = self._request(question, ref, provider)
        ask = question.ask
        tokens = upper_bound(ask.messages, ask.tools, ask.reply.output_schema)
        worst = self._worst_case(ref, tokens, request.max_output_tokens, ask)
        unpriced = worst.reason if isinstance(worst, Unpriced) else ""
        reservation = await self.books.purse.reserve(
            ask.budgets,
            ZERO if isinstance(worst, Unpriced) else worst,
            tokens + request.max_output_tokens,
            simulated=provider.adapter == "sim",
        )
        attempt = Attempt(question, ref, request, question.attempts, reservation, provider.adapter == "sim", unpriced)
        try:
            async with AsyncExitStack() as stack:
                likely = question.likely_tokens + request.max_output_tokens
                # The model's own pace first: a call that waits for it takes no place of the provider's other models.
                paces = [pace for pace in (self._model_pace(ref), self._pace(provider)) if pace is not None]
                turns = [await stack.enter_async_context(pace.turn(likely)) for pace in paces]
                if self._is_dearer(reservation, self._worst_case(ref, tokens, request.max_output_tokens, ask)):
                    for turn in turns:
                        turn.took(0)
                    self.books.purse.ledger.release(reservation)
                    return None
                question.attempts += 1
                reply = await self._send(attempt)
                for turn in turns:
                    turn.took(reply.usage.total)
            _must_be_whole(reply, attempt)
        except BaseException as error:
            self.books.fail(attempt, error)
            raise
        return Answered(reply, await self.books.finish(attempt, reply))

    @staticmethod
    def _is_dearer(reservation: Reservation, worst: Money | Unpriced) -> bool:
        return not isinstance(worst, Unpriced) and worst > reservation.amount

    def output_cap(self, question: Question, ref: ModelRef) -> int:
        """The cap on the reply that is sent to ``ref``."""
        card = self.catalogue.model(ref) or ModelCard(ref, declared=False)
        return question.room.get(ref) or output_cap(card, question.ask.reply.max_output_tokens)

    def larger_cap(self, question: Question, ref: ModelRef) -> int | None:
        """A cap that gives a reply more room, once for a model, and never above what the step says; None for none."""
        if ref in question.room or question.ask.reply.max_output_tokens is not None:
            return None
        card, cap = self.catalogue.model(ref), self.output_cap(question, ref)
        most = card.max_output_tokens if card is not None and card.max_output_tokens else cap * _MORE_ROOM
        larger = min(cap * _MORE_ROOM, most)
        return larger if larger > cap else None

    def _request(self, question: Question, ref: ModelRef, provider: ProviderCard) -> ChatRequest:
        ask = question.ask
        card = self.catalogue.model(ref)
        own = provider.timeout_s if card is None or card.timeout_s is None else card.timeout_s
        timeouts = [seconds for seconds in (ask.timeout_s, own) if seconds is not None]
        return ChatRequest(
            model=ref,
            messages=ask.messages,
            tools=ask.tools,
            output_schema=ask.reply.output_schema,
            max_output_tokens=self.output_cap(question, ref),
            params=ask.reply.params,
            timeout_s=min(timeouts, default=None),
            address=ask.address,
            turn=ask.turn if ask.script_turn is None else ask.script_turn,
            attempt=question.attempts,
            purpose=ask.purpose,
            sample=ask.sample,
        )

    def _worst_case(self, ref: ModelRef, tokens: int, cap: int, ask: ModelAsk) -> Money | Unpriced:
        prices, ledger = self.books.prices, self.books.purse.ledger
        worst = prices.worst_case(ref, tokens, cap, self.books.clock.now())
        if isinstance(worst, Unpriced) and prices.refuse_unpriced and ledger.bounded(ask.budgets):
            raise LimitReached("budget.usd", f"{ref} cannot be kept within a budget: {worst.reason}")
        return worst

    def _pace(self, provider: ProviderCard) -> Pace:
        pace = self.paces.get(provider.name)
        if pace is None:
            pace = Pace(self.books.clock, provider.rpm, provider.tpm, provider.in_flight)
            self.paces[provider.name] = pace
        return pace

    def _model_pace(self, ref: ModelRef) -> Pace | None:
        """The pace of a model that has one of its own."""
        card, name = self.catalogue.model(ref), str(ref)
        if card is None or not (card.rpm or card.tpm or card.in_flight):
            return None
        if name not in self.paces:
            self.paces[name] = Pace(self.books.clock, card.rpm, card.tpm, card.in_flight)
        return self.paces[name]

    def _first_token_s(self, attempt: Attempt) -> float | None:
        """How long the first piece may take. A reply that may be a call of a tool shows no piece before its end."""
        card, provider = self.catalogue.model(attempt.ref), self.catalogue.providers[attempt.ref.provider]
        if attempt.request.tools:
            return None
        if card is not None and card.first_token_timeout_s is not None:
            return card.first_token_timeout_s
        return provider.first_token_timeout_s

    async def _send(self, attempt: Attempt) -> ChatReply:
        with standing_still():  # before the intent, outside of every timeout: what it costs is our own time only
            provider = await self.providers.ready(attempt.ref.provider)
        await self.books.intend(attempt)
        shown = self.stream and attempt.request.purpose == "agent" and not attempt.request.sample
        on_text = self._listener(attempt) if shown else None
        attempt.started = self.books.clock.monotonic()
        limit = attempt.request.timeout_s
        try:
            async with self.books.clock.timeout(limit):
                first = self._first_token_s(attempt)
                if first is None:
                    return await provider.complete(attempt.request, on_text)
                send = partial(provider.complete, attempt.request)
                return await in_time(self.books.clock, first, attempt.ref, send, on_text)
        except TimeoutError:
            raise TimedOut(f"{attempt.ref} did not answer within {limit or 0:g} s") from None

    def _listener(self, attempt: Attempt) -> Callable[[str], None]:
        clock, emit = self.books.clock, self.books.emit
        ask, shown = attempt.question.ask, attempt.question.shown
        shown.start()

        def tell(piece: str) -> None:
            if attempt.first_token_s is None and attempt.started is not None:
                attempt.first_token_s = clock.monotonic() - attempt.started
            unseen = shown.new(piece)
            if unseen:
                emit(TextStreamed(clock.now(), ask.address, ask.turn, unseen))

        return tell


def _at_its_cap(reply: ChatReply, attempt: Attempt) -> str:
    """What stopped, and where the room went: hidden reasoning may leave nothing for the reply."""
    cap, thought = attempt.request.max_output_tokens, reply.usage.reasoning_tokens
    message = f"{attempt.ref} stopped at its output cap of {cap} tokens"
    if thought * 2 > cap or (thought and not reply.text.strip()):
        message += f", of which {thought} went into hidden reasoning; lower its reasoning_effort, or"
    else:
        message += ";"
    return f'{message} raise "max_output_tokens"'


def _must_be_whole(reply: ChatReply, attempt: Attempt) -> None:
    """Raise for a reply that must not be kept as done: cut, refused, at the length limit, empty."""
    reason = reply.finish_reason
    if reason == "length":
        raise Unusable("length", _at_its_cap(reply, attempt), reply.usage)
    if reason == "content_filter":
        refused = ContentRefused(f"{attempt.ref} refused to answer: {reply.text[:200] or 'content filter'}")
        refused.usage = reply.usage
        raise refused
    if reason == "incomplete":
        cut = ConnectionLost(f"the reply of {attempt.ref} was cut off", maybe_billed=True)
        cut.usage = reply.usage
        raise cut
    if not reply.text.strip() and not reply.tool_calls:
        empty = ServerFailed(f"{attempt.ref} sent an empty reply")
        empty.usage = reply.usage
        raise empty
