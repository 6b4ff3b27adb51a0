"""Makes the request of a model call from a planned step: the same for running it and for estimating it."""

from __future__ import annotations

from dataclasses import replace

from nano_flow.core.messages import Json, Message, ToolSpec
from nano_flow.gateway.ask import ModelAsk
from nano_flow.plan.call_specs import ReplySpec, RouteSpec
from nano_flow.plan.kinds.prompt import PlannedCheck, PlannedPrompt
from nano_flow.plan.plan import PlannedStep

VERDICT: dict[str, Json] = {
    "type": "object",
    "properties": {
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "reason": {"type": "string"},
    },
    "required": ["score", "reason"],
    "additionalProperties": False,
}
"""The schema of what a judge replies."""


def agent_request(
    step: PlannedStep, address: str, messages: tuple[Message, ...], tools: tuple[ToolSpec, ...] = ()
) -> ModelAsk:
    """A turn of the step's own agent, as far as the plan tells: who runs it adds its turn and what it knows."""
    spec = step.spec
    assert isinstance(spec, PlannedPrompt)
    return ModelAsk(
        address=address,
        turn=0,
        messages=messages,
        tools=tools,
        route=replace(spec.route, tags=step.tags),
        reply=spec.reply,
        facts={"max_turns": spec.max_turns},
        cache=spec.cache,
        cache_ttl_s=spec.cache_ttl_s,
        timeout_s=step.timeout_s,
        retry=step.retry,
        repairs=spec.repairs,
        may_escalate=spec.may_escalate,
    )


def judge_request(step: PlannedStep, check: PlannedCheck, address: str, messages: tuple[Message, ...]) -> ModelAsk:
    """A judge's question: of its step it shares who may see the text, and no word on how hard the task is."""
    spec = step.spec
    assert isinstance(spec, PlannedPrompt)
    route = spec.route
    return ModelAsk(
        address=address,
        turn=0,
        messages=messages,
        route=RouteSpec(check.model or "auto", route.policy, route.providers, tags=step.tags),
        reply=ReplySpec(output_schema=VERDICT),
        timeout_s=step.timeout_s,
        retry=step.retry,
        purpose="judge",
    )
