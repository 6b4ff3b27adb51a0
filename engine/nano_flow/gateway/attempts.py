"""Tries one model until it answers or its attempts are used up, with full jitter between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nano_flow.core.errors import ProviderError, RateLimited, Retryable
from nano_flow.core.refs import ModelRef
from nano_flow.core.text import duration_text
from nano_flow.gateway.rules import FallbackRules
from nano_flow.gateway.sending.question import Question
from nano_flow.gateway.sending.sender import Answered, Sender
from nano_flow.plan.plan import PlannedRetry

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How often one model is asked, after which errors, and how long to wait in between. Seconds."""

    attempts: int
    delay_s: float
    max_delay_s: float
    max_retry_after_s: float
    exponential: bool = True
    only: frozenset[str] = frozenset()

    @classmethod
    def of(cls, rules: FallbackRules, retry: PlannedRetry | None) -> Patience:
        """What ``routing.yaml`` says, unless the step has a ``retry`` of its own."""
        if retry is None:
            return cls(rules.attempts, rules.delay_s, rules.max_delay_s, rules.max_retry_after_s)
        return cls(
            attempts=retry.max_attempts,
            delay_s=retry.delay_s,
            max_delay_s=retry.max_delay_s,
            max_retry_after_s=rules.max_retry_after_s,
            exponential=retry.backoff == "exponential",
            only=frozenset(retry.errors),
        )

    def delay(self, error: ProviderError, failed: int, random: float) -> float | None:
        """Seconds to wait after the attempt number ``failed`` (from 1); None: do not ask this model again.

        A provider's own ``Retry-After`` is kept to, unless it is longer than we ever wait. ``random`` is in [0, 1).
        """
        if failed >= self.attempts or not isinstance(error, Retryable) or (self.only and error.kind not in self.only):
            return None
        factor = 2.0 ** min(failed - 1, 32) if self.exponential else 1.0
        jitter = random * min(self.delay_s * factor, self.max_delay_s)
        asked = error.retry_after if isinstance(error, RateLimited) else None
        if asked is None:
            return jitter
        return None if asked > self.max_retry_after_s else asked + random * min(asked, 1.0)

    def explain(self, error: ProviderError) -> None:
        """Say with ``error`` that the provider wants to be left alone for longer than anybody waits."""
        asked = error.retry_after if isinstance(error, RateLimited) else None
        if asked is not None and asked > self.max_retry_after_s:
            long = duration_text(asked) if asked < 2 * _DAY else f"{asked / _DAY:,.0f} days"
            wants = f"it asks to be left alone for {long}"
            waits = f"at most {duration_text(self.max_retry_after_s)} are waited (max_retry_after in routing.yaml)"
            error.args = (f"{str(error).removesuffix('.')}; {wants}, {waits}",)


@dataclass(frozen=True, slots=True)
class Attempts:
    """The attempts of a run's calls; ``random`` gives numbers in [0, 1)."""

    sender: Sender
    rules: FallbackRules
    random: Callable[[], float]

    async def ask(self, question: Question, ref: ModelRef, *, last: bool) -> Answered:
        """Ask ``ref``, again and again where that may help. Raises the last error.

        Where other models are left, a model whose breaker has opened meanwhile is not asked again, unless the step
        says how often it wants to ask.
        """
        clock, cooldowns = self.sender.books.clock, self.sender.books.cooldowns
        patience = Patience.of(self.rules, question.ask.retry)
        failed = 0
        while True:
            await self._wait_for(ref)
            try:
                return await self.sender.attempt(question, ref)
            except Retryable as error:
                failed += 1
                self._heed(ref, error)
                delay = patience.delay(error, failed, self.random())
                given_up = not last and question.ask.retry is None and cooldowns.is_cooling(ref, clock.monotonic())
                if delay is None or given_up or error.kind in self.rules.stop_on:
                    patience.explain(error)
                    raise
                await clock.sleep(delay)

    def _heed(self, ref: ModelRef, error: Retryable) -> None:
        """What a provider asks of one call it asks of all of them."""
        asked = error.retry_after if isinstance(error, RateLimited) else None
        if asked and asked <= self.rules.max_retry_after_s:
            books = self.sender.books
            books.cooldowns.pause(ref, books.clock.monotonic() + asked)

    async def _wait_for(self, ref: ModelRef) -> None:
        """Let the time pass that another call of the run was told to wait; not all go on in the same moment."""
        clock, cooldowns = self.sender.books.clock, self.sender.books.cooldowns
        left = cooldowns.paused_for(ref, clock.monotonic())
        if left > 0:
            await clock.sleep(left + self.random() * min(left, 1.0))
