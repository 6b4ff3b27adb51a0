"""Replies kept between runs: looked up before a model is asked, kept after it answered."""

from __future__ import annotations

from dataclasses import dataclass

from nano_flow.core.events import CacheHit
from nano_flow.core.messages import ChatReply
from nano_flow.core.money import ZERO, Cost
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.sending.question import Question
from nano_flow.gateway.sending.sender import Answered
from nano_flow.gateway.services import GatewayServices
from nano_flow.ports.cache import CacheQuestion


@dataclass(frozen=True, slots=True)
class Replies:
    """The cache, as the calls of a run use it."""

    services: GatewayServices

    async def find(self, question: Question, ref: ModelRef, output_cap: int) -> ChatReply | None:
        """The kept reply of ``ref`` to this question; it costs nothing, and what it had cost is told as saved."""
        services, ask = self.services, question.ask
        if services.cache is None or not ask.cache:
            return None
        hit = await services.cache.find(self._seen(question, ref, output_cap))
        if hit is None:
            return None
        reply, saved = hit
        services.ledger.save(saved)
        event = CacheHit(
            at=services.clock.now(),
            address=ask.address,
            turn=ask.turn,
            model=str(ref),
            requested=question.requested,
            fingerprint=question.fingerprint,
            reply=reply,
            saved=saved,
        )
        await services.durable(event)
        return reply

    async def keep(self, question: Question, ref: ModelRef, output_cap: int, answered: Answered) -> None:
        """Keep a whole reply, where the step says so."""
        services, ask = self.services, question.ask
        if services.cache is not None and ask.cache:
            paid = answered.cost.amount if isinstance(answered.cost, Cost) else ZERO
            await services.cache.keep(self._seen(question, ref, output_cap), answered.reply, paid)

    def _seen(self, question: Question, ref: ModelRef, output_cap: int) -> CacheQuestion:
        """The question as a cache sees it."""
        keys = question.asked.cache_keys(ref, self.services.base_urls.get(ref.provider, ""), output_cap)
        ask = question.ask
        return CacheQuestion(keys, str(ref), ask.messages, self.services.clock.now(), ask.cache_ttl_s)
