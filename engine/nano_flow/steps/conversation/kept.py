"""Asks a model, and keeps what was asked, where that is wanted: reports show it, nothing else reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nano_flow.core.events import PromptSent
from nano_flow.core.messages import Json, Message
from nano_flow.gateway.ask import ModelAnswer, ModelAsk
from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.steps.context import Execution


async def ask_and_keep(execution: Execution, ask: ModelAsk) -> ModelAnswer:
    """The answer to ``ask``. Raises what the gateway does."""
    services = execution.services
    recorded = (str(ask.address), ask.turn) in services.recorded.calls
    if not recorded:  # before it is sent, so that a call that fails, or never comes back, shows what it asked
        _keep(execution, ask)
    answer = await services.gateway.call(ask)
    if recorded and not answer.replayed:
        _keep(execution, ask)
    return answer


def _keep(execution: Execution, ask: ModelAsk) -> None:
    services, spec = execution.services, execution.step.spec
    wanted = services.keep_prompts and execution.plan.keep_prompts
    if wanted and isinstance(spec, PlannedPrompt) and spec.keep_prompts and services.gateway.keeps_prompts(ask):
        messages = tuple(json.dumps(_plain(message), ensure_ascii=False) for message in ask.messages)
        services.emit(PromptSent(services.clock.now(), ask.address, ask.turn, messages))


def _plain(message: Message) -> Mapping[str, Json]:
    told: dict[str, Json] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        told["tool_calls"] = [{"id": c.id, "tool": c.name, "arguments": c.arguments} for c in message.tool_calls]
    if message.tool_call_id:
        told["tool_call_id"] = message.tool_call_id
    if message.attachments:
        told["attachments"] = [each.name for each in message.attachments]
    return told
