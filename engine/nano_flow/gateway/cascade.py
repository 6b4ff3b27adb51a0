"""Judges the reply of a lower tier, and says whether the next one is paid for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nano_flow.core.messages import ChatReply, Json
from nano_flow.gateway.ask import ModelAsk
from nano_flow.routing.reading import read_text
from nano_flow.routing.replies.cascade import Cascade
from nano_flow.routing.replies.facts import reply_facts


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a reply in a cascade: ``next_tier`` is asked where it is not None."""

    next_tier: str | None
    judgement: Mapping[str, Json]


def judge(cascade: Cascade, ask: ModelAsk, reply: ChatReply, tier: str | None) -> Verdict | None:
    """Judge ``reply`` of ``tier``; None where there is nothing to judge: a tool call, no tier above.

    Pure for given arguments, so that a resumed run comes to the same verdict on a recorded reply.
    """
    above = cascade.next_tier(tier) if tier else None
    if above is None or reply.tool_calls:
        return None
    prompt = "\n\n".join(message.content for message in ask.messages if message.role == "user")
    facts = reply_facts(reply.text, prompt, wants_json=ask.output_schema is not None)
    judgement = cascade.judge(facts, read_text(reply.text))
    said: dict[str, Json] = {
        "tier": tier,
        "score": round(judgement.score, 2),
        "escalate_at": cascade.escalate_at,
        "escalate": judgement.escalate,
        "because": [points.as_json() for points in judgement.because],
    }
    return Verdict(above if judgement.escalate else None, said)


def in_tier(ask: ModelAsk, tier: str) -> ModelAsk:
    """The same question, put to ``tier``."""
    return replace(ask, model=tier, keep_model=None)
