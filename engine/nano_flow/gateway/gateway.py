"""One model call, end to end: recorded → candidates → cache → attempts → next model → judged → answered."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

from nano_flow.core.errors import BadCredentials, LimitReached, ProviderError, QuotaUsed
from nano_flow.core.events import CallFinished
from nano_flow.core.money import ZERO, Cost, Money, Unpriced
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.ask import FREE, ModelAnswer, ModelAsk
from nano_flow.gateway.attempts import Attempts
from nano_flow.gateway.cascade import Sampler, in_tier, is_judged, judge
from nano_flow.gateway.choosing import Chooser, Chosen
from nano_flow.gateway.limits.cooldown import Cooldowns
from nano_flow.gateway.limits.load import Load
from nano_flow.gateway.limits.purse import DoesNotFit, Purse
from nano_flow.gateway.sending.books import Books, Unusable
from nano_flow.gateway.sending.cached import Replies
from nano_flow.gateway.sending.fingerprint import Asked
from nano_flow.gateway.sending.question import Question
from nano_flow.gateway.sending.sender import Answered, Sender
from nano_flow.gateway.services import GatewayServices
from nano_flow.pricing.tokens import count_request

Failures = list[tuple[ModelRef, ProviderError | LimitReached | Unusable]]
"""The models that were asked, each with the last that became of it."""


class Gateway:
    """The model calls of one run."""

    def __init__(self, services: GatewayServices) -> None:
        cooldowns = Cooldowns(services.rules.cooldown_after, services.rules.cooldown_s)
        books = Books(
            clock=services.clock,
            emit=services.emit,
            durable=services.durable,
            prices=services.prices,
            purse=Purse(services.ledger),
            cooldowns=cooldowns,
            observed=services.observed,
            shared=services.shared,
        )
        self._services = services
        self._replies = Replies(services)
        self._sender = Sender(books, services.catalogue, services.providers, services.stream)
        self._load = Load(services.catalogue, self._sender.paces)
        self._chooser = Chooser(services, cooldowns, self._load)
        self._attempts = Attempts(self._sender, services.rules, services.random)
        self._sampler = Sampler(self._one_more, self._replay, self._chooser.notice, services.recorded)

    async def call(self, ask: ModelAsk) -> ModelAnswer:
        """The reply to ``ask``: the recorded one where there is one, else of the first model that can.

        Raises ProviderError where none could, StepError where a paid reply is of no use, LimitReached where a
        budget does not allow it.
        """
        asked = Asked(ask)
        levels = self._levels(ask)
        recorded, place = self._recorded(asked, levels)
        spent: Cost | Unpriced = FREE
        while True:
            if recorded is not None:
                answer = self._replay(ask, recorded)
            else:
                likely = count_request(ask.messages, ask.tools, ask.reply.output_schema)
                digest = asked.fingerprint(levels[place])
                answer = await self._answer(Question(levels[place], asked, digest, ask.route.model, likely))
            recorded = None
            spent = _sum(spent, answer.cost)
            higher = None
            if place + 1 < len(levels):
                higher, samples = await self._higher_tier(levels[place], answer)
                spent = reduce(_sum, (sample.cost for sample in samples), spent)
            if higher is None:
                return replace(answer, cost=spent)
            place = next(n for n, level in enumerate(levels) if n > place and level.route.model == higher)

    def keeps_prompts(self, ask: ModelAsk) -> bool:
        """Whether the policy allows to keep what is asked for reports."""
        return self._chooser.keeps_prompts(ask)

    def _levels(self, ask: ModelAsk) -> list[ModelAsk]:
        """The ask itself, and for a cascade the same in each tier that may follow."""
        cascade = self._services.policy.cascade_of(ask.route.policy) if self._services.policy else None
        if cascade is None or ask.route.model != "auto" or ask.escalate or ask.purpose == "judge":
            return [ask]
        return [ask, *(in_tier(ask, tier) for tier in cascade.tiers[1:])]

    async def _higher_tier(self, level: ModelAsk, answer: ModelAnswer) -> tuple[str | None, list[ModelAnswer]]:
        """The tier that a cascade asks after this answer, if its reply does not do; and what it was compared with."""
        policy = self._services.policy
        cascade = policy.cascade_of(level.route.policy) if policy else None
        if policy is None or cascade is None or not is_judged(cascade, answer.reply, answer.tier):
            return None, []
        if policy.is_above(answer.model, answer.tier):
            return None, []  # a fallback of a higher tier answered: what a judge could save is paid already
        samples = await self._sampler.draw(level, answer, cascade.samples - 1) if cascade.samples > 1 else []
        verdict = judge(cascade, level, answer, samples)
        if not answer.replayed:
            decision = {**answer.decision, "cascade_verdict": dict(verdict.judgement)}
            self._chooser.tell(level, answer.requested, answer.score, answer.tier, decision)
        return verdict.next_tier, samples

    def _recorded(self, asked: Asked, levels: list[ModelAsk]) -> tuple[CallFinished | None, int]:
        """The reply that an earlier life of the run has, and the level that it answers; else the first level."""
        work, ask = self._services.recorded, levels[0]
        found = work.calls.get((ask.address, ask.turn)) if work else None
        if work is None or found is None:
            return None, 0
        for place, level in enumerate(levels):
            if asked.is_answered_by(found.fingerprint, level):
                return found, place
        if work.holds(ask.address):
            return found, 0
        # Not silently: somebody changed what the step sees (a file, a variable), or a step before it said more now.
        message = f"what is asked here (turn {ask.turn}) has changed since it was recorded: it is asked and paid again"
        self._chooser.notice(ask.address, message)
        return None, 0

    def _replay(self, ask: ModelAsk, recorded: CallFinished) -> ModelAnswer:
        """A reply that an earlier life of the run paid for."""
        self._services.ledger.replay(ask.budgets, recorded.cost or ZERO, recorded.reply.usage.total)
        ref, policy = ModelRef.parse(recorded.model), self._services.policy
        if recorded.duration_s:  # else it came from a cache: nothing was seen of the model
            self._services.observed.add(ref, recorded.duration_s, recorded.reply.usage)
        place = policy.tier_of(ref) if policy else None
        tier = policy.tiers[place].name if policy and place is not None else None
        return ModelAnswer(recorded.reply, ref, recorded.requested, replayed=True, tier=tier)

    async def _answer(self, question: Question) -> ModelAnswer:
        """Ask the candidates in turn, each once, until one answers."""
        chosen = await self._chooser.choose(question)
        refs = list(chosen.candidates)
        failures: Failures = []
        while refs:
            ref = refs.pop(0)
            for notice in chosen.on_use.get(ref, ()):
                self._chooser.notice(question.ask.address, notice)
            try:
                return await self._one_model(question, chosen, ref, last=not refs)
            except (ProviderError, Unusable) as error:
                failures.append((ref, error))
                refs = self._left(refs, ref, error, question)
                if self._given_room(question, ref, error):
                    refs = [ref, *refs]
            except DoesNotFit as error:
                failures.append((ref, error))
                refs = [] if chosen.fixed else refs
        raise self._none_answered(failures, chosen)

    def _left(
        self, refs: list[ModelRef], failed: ModelRef, error: ProviderError | Unusable, question: Question
    ) -> list[ModelRef]:
        """Those of ``refs`` that may still be asked after ``error`` of the model before them."""
        if not self._services.rules.tries_another_model(error.kind):
            return []
        if not isinstance(error, BadCredentials | QuotaUsed):
            return refs
        left = _elsewhere(refs, failed, error)
        if left:
            what = "the account" if isinstance(error, QuotaUsed) else "the key"
            message = f"{what} of {failed.provider} was refused ({error}): {left[0]} is asked instead"
            self._chooser.notice(question.ask.address, message)
        return left

    def _given_room(self, question: Question, ref: ModelRef, error: ProviderError | Unusable) -> bool:
        """Whether a model that stopped at its cap is asked once more with a larger one: where the policy goes on."""
        if error.kind != "length" or not self._services.rules.tries_another_model("length"):
            return False
        larger = self._sender.larger_cap(question, ref)
        if larger is None:
            return False
        question.room[ref] = larger
        message = f"{error}: it is asked once more, for up to {larger:,} tokens"
        self._chooser.notice(question.ask.address, message)
        return True

    def _none_answered(self, failures: Failures, chosen: Chosen) -> Exception:
        """One error for a chain that ended: of the last one's class, naming every model, its reason, and what to do."""
        last = failures[-1][1]
        limit = next((error for _, error in failures if isinstance(error, LimitReached)), None)
        if limit is not None:
            return limit
        keyless = chosen.keyless if self._services.rules.tries_another_model(last.kind) else ()
        if len(failures) > 1 or keyless:
            told = ["no model answered:", *(f"  {ref}: {error.kind}: {error}" for ref, error in failures)]
            if keyless:
                told += [f"— passed over, for their keys are not set: {', '.join(keyless)}"]
                told += ["— set one, see who is there with nano-flow providers check, or rehearse with --offline"]
            last.args = ("\n".join(told),)
        return last

    async def _one_more(self, question: Question, ref: ModelRef) -> ModelAnswer:
        """A further sample: of this model and no other, and without a decision of its own."""
        return await self._one_model(question, Chosen((ref,), None, None, {}), ref, last=False)

    async def _one_model(self, question: Question, chosen: Chosen, ref: ModelRef, *, last: bool) -> ModelAnswer:
        """The cached reply of ``ref``, or a new one."""
        cap = self._sender.output_cap(question, ref)
        kept = await self._replies.find(question, ref, cap)
        if kept is not None:
            answered = Answered(kept, FREE)
        else:
            with self._load.taken(ref):
                answered = await self._attempts.ask(question, ref, last=last)
            await self._replies.keep(question, ref, cap, answered)
        return ModelAnswer(
            reply=answered.reply,
            model=ref,
            requested=question.requested,
            cost=answered.cost,
            cached=kept is not None,
            score=chosen.score,
            tier=chosen.tier,
            decision=chosen.decision,
            attempts=question.attempts,
        )


def _sum(one: Cost | Unpriced, two: Cost | Unpriced) -> Cost | Unpriced:
    """Both bills; unpriced where one of them is."""
    if isinstance(one, Unpriced):
        return one
    return two if isinstance(two, Unpriced) or not one.amount else Cost(Money(one.amount + two.amount), two.entry)


def _elsewhere(refs: list[ModelRef], refused: ModelRef, error: ProviderError) -> list[ModelRef]:
    """Those of ``refs`` that a refused key leaves: none of its provider, unless it may be only the model (403)."""
    only_this = error.status == 403 and not isinstance(error, QuotaUsed)
    return refs if only_this else [ref for ref in refs if ref.provider != refused.provider]
