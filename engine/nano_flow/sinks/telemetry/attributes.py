"""What a span says of a run, a model call or a kept reply."""

from __future__ import annotations

from typing import TypeAlias

from nano_flow.core.events import CacheHit, CallFailed, CallFinished, CallIntended, RunStarted
from nano_flow.core.messages import Usage
from nano_flow.core.money import Money
from nano_flow.sinks.telemetry import names

Attributes: TypeAlias = dict[str, str | bool | int | float | list[str]]

_NANO = 1_000_000_000


def started_attributes(event: RunStarted) -> Attributes:
    """A run as it begins; inputs are content and stay out."""
    return {
        names.OPERATION: names.INVOKE_WORKFLOW,
        names.WORKFLOW: event.workflow,
        names.RUN: event.run_id,
        names.RESUMED: event.resumed,
        names.PLAN: event.plan_digest,
        names.SIMULATED: event.simulated,
    }


def intent_attributes(event: CallIntended) -> Attributes:
    """A call as it is sent."""
    provider, _, model = event.model.partition("/")
    return {
        names.OPERATION: names.CHAT,
        names.PROVIDER: names.PROVIDERS.get(provider, provider),
        names.REQUEST_MODEL: model,
        names.REQUESTED: event.requested,
        names.ADDRESS: event.address,
        names.TURN: event.turn,
        names.ATTEMPT: event.attempt,
    }


def call_attributes(event: CallFinished) -> Attributes:
    """A call that was answered."""
    told: Attributes = {
        names.RESPONSE_MODEL: event.reply.model or event.model.partition("/")[2],
        names.FINISH_REASONS: [event.reply.finish_reason],
        names.SIMULATED: event.reply.simulated,
        **_usage(event.reply.usage),
    }
    if event.first_token_s is not None:
        told[names.FIRST_CHUNK] = event.first_token_s
    if event.cost is None:
        return {**told, names.UNPRICED: event.unpriced or "unpriced"}
    return {**told, **_cost(event.cost)}


def failed_attributes(event: CallFailed) -> Attributes:
    """A call that failed; what it is known to have cost, which may be nothing."""
    usage = _usage(event.usage) if event.usage is not None else {}
    return {names.SIMULATED: event.simulated, **usage, **(_cost(event.cost) if event.cost is not None else {})}


def cached_attributes(event: CacheHit) -> Attributes:
    """A reply that was kept: no tokens were used, so none are told."""
    provider, _, model = event.model.partition("/")
    return {
        names.OPERATION: names.CHAT,
        names.PROVIDER: names.PROVIDERS.get(provider, provider),
        names.REQUEST_MODEL: model,
        names.ADDRESS: event.address,
        names.TURN: event.turn,
        names.CACHED: True,
        names.SAVED: event.saved / _NANO,
    }


def _usage(usage: Usage) -> Attributes:
    told: Attributes = {
        names.INPUT_TOKENS: usage.context,
        names.OUTPUT_TOKENS: usage.output_tokens + usage.reasoning_tokens + usage.audio_output_tokens,
    }
    optional = {
        names.CACHE_READ: usage.cached_input_tokens,
        names.CACHE_WRITE: usage.cache_write_tokens + usage.cache_write_1h_tokens,
        names.REASONING: usage.reasoning_tokens,
    }
    told.update({name: count for name, count in optional.items() if count})
    return told


def _cost(cost: Money) -> Attributes:
    return {names.COST: cost / _NANO, names.COST_NANO: int(cost)}
