"""Judges the reply of a lower tier, beside further samples where they are asked for: is the next tier paid for?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from nano_flow.core.calls import SAMPLE_TURNS, CallFinished
from nano_flow.core.errors import LimitReached, ProviderError, StepError
from nano_flow.core.messages import ChatReply, Json
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.ask import ModelAnswer, ModelAsk
from nano_flow.gateway.sending.books import Overrun
from nano_flow.gateway.sending.fingerprint import Asked
from nano_flow.gateway.sending.question import Question
from nano_flow.ports import RecordedWork
from nano_flow.pricing.tokens import count_request
from nano_flow.routing.reading import read_text
from nano_flow.routing.replies.cascade import Cascade
from nano_flow.routing.replies.facts import reply_facts


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a reply in a cascade: ``next_tier`` is asked where it is not None."""

    next_tier: str | None
    judgement: Mapping[str, Json]


def is_judged(cascade: Cascade, reply: ChatReply, tier: str | None) -> bool:
    """Whether there is something to judge: no tool call, and a tier above."""
    return tier is not None and cascade.next_tier(tier) is not None and not reply.tool_calls


def judge(cascade: Cascade, ask: ModelAsk, answer: ModelAnswer, others: Sequence[ModelAnswer] = ()) -> Verdict:
    """Judge an answer for which ``is_judged`` holds; ``others`` are further samples.

    Pure for given arguments, so that a resumed run comes to the same verdict on recorded replies.
    """
    prompt = "\n\n".join(message.content for message in ask.messages if message.role == "user")
    text, samples = answer.reply.text, [other.reply.text for other in others]
    facts = reply_facts(text, prompt, others=samples, wants_json=ask.reply.output_schema is not None)
    judgement = cascade.judge(facts, read_text(text), read_text(prompt) if cascade.learned else None)
    said: dict[str, Json] = {
        "tier": answer.tier,
        "score": round(judgement.score, 2),
        "escalate_at": cascade.escalate_at,
        "escalate": judgement.escalate,
        "because": [points.as_json() for points in judgement.because],
    }
    if cascade.samples > 1:
        said |= {"samples": cascade.samples, "came": 1 + len(others), "agreement": facts.agreement}
    return Verdict(cascade.next_tier(answer.tier or "") if judgement.escalate else None, said)


def in_tier(ask: ModelAsk, tier: str) -> ModelAsk:
    """The same question, put to ``tier``."""
    return replace(ask, route=replace(ask.route, model=tier), keep_model=None)


@dataclass(frozen=True, slots=True)
class Sampler:
    """Draws further samples of an answer from the model that gave it.

    Each is a call of its own: reserved, announced, priced, recorded and found again under its own turn number and
    fingerprint, and cached under a key of its own. One that fails is missing, and told of; the answer stays.
    """

    ask_one: Callable[[Question, ModelRef], Awaitable[ModelAnswer]]
    replay: Callable[[ModelAsk, CallFinished], ModelAnswer]
    notice: Callable[[str, str], None]
    recorded: RecordedWork | None = None

    async def draw(self, level: ModelAsk, answer: ModelAnswer, count: int) -> list[ModelAnswer]:
        """Up to ``count`` further replies, drawn side by side. Raises what stops the run: Overrun, StoreError."""
        settled = self._settled(level)
        drawn = await asyncio.gather(
            *(self._one(level, answer, number, settled=settled) for number in range(1, count + 1)),
            return_exceptions=True,
        )
        for found in drawn:
            if isinstance(found, BaseException):
                raise found
        return [found for found in drawn if isinstance(found, ModelAnswer)]

    async def _one(self, level: ModelAsk, answer: ModelAnswer, number: int, *, settled: bool) -> ModelAnswer | None:
        turn = level.turn if level.script_turn is None else level.script_turn
        ask = replace(level, turn=level.turn + number * SAMPLE_TURNS, script_turn=turn, sample=number)
        own = Asked(ask)  # its number is part of the question: no recorded or cached reply passes for another sample
        found = self.recorded.calls.get((ask.address, ask.turn)) if self.recorded else None
        if found is not None and own.is_answered_by(found.fingerprint, ask):
            return self.replay(ask, found)
        if settled:
            return None
        likely = count_request(ask.messages, ask.tools, ask.reply.output_schema)
        try:
            return await self.ask_one(Question(ask, own, own.fingerprint(ask), answer.requested, likely), answer.model)
        except Overrun:
            raise
        except (ProviderError, StepError, LimitReached) as error:
            message = (
                f"sample {number} of {answer.model} is missing ({error.kind}: {error}); its reply is judged without"
            )
            self.notice(ask.address, message)
            return None

    def _settled(self, level: ModelAsk) -> bool:
        """Whether an earlier life already went on from this turn: a sample that was missing then stays missing."""
        work = self.recorded
        return work is not None and (level.address in work.finished or (level.address, level.turn + 1) in work.calls)
