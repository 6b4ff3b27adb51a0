"""Anthropic's messages: where a call goes and how it is written."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from nano_flow.core.errors import BadRequest
from nano_flow.core.messages import Json
from nano_flow.providers.cards import Endpoint, ModelFacts
from nano_flow.providers.direct.anthropic.generations import Generation, adapts, generation_of, takes_schemas
from nano_flow.providers.direct.anthropic.messages import converted
from nano_flow.providers.direct.anthropic.reading import SCHEMA_TOOL, Blocks, whole
from nano_flow.providers.direct.anthropic.schema import constrained
from nano_flow.providers.direct.dialect import Body, Target, joined
from nano_flow.providers.wire.arguments import BUDGETS, Prepared
from nano_flow.providers.wire.plain import read, sequence
from nano_flow.providers.wire.reply import Raw
from nano_flow.providers.wire.stream import Collector

_ANTHROPIC = "https://api.anthropic.com"
_PATH = "/messages"
_VERSION = {"anthropic-version": "2023-06-01"}
_SCHEMAS = {"anthropic-beta": "structured-outputs-2025-11-13"}
_TRANSLATED = frozenset({"messages", "tools", "tool_choice", "response_format", "stop", "reasoning_effort"})
_UNKNOWN = ("seed", "verbosity")
"""Parameters that this language has no word for."""


class Anthropic:
    """The language of Anthropic."""

    service = "anthropic"

    def target(self, endpoint: Endpoint, card: ModelFacts, *, stream: bool) -> Target:
        """A key goes in a header of its own, a bearer token in the usual one."""
        key, token = endpoint.part("api_key"), endpoint.part("token")
        headers = {"x-api-key": key} if key else {"authorization": f"Bearer {token}"} if token else {}
        return Target(_url(endpoint.address or _ANTHROPIC), {**_VERSION, **headers})

    def body(self, prepared: Prepared, card: ModelFacts, *, stream: bool) -> Body:
        """The call in Anthropic's words. BadRequest for a parameter that it has no word for."""
        asked, model = prepared.arguments, _name(card)
        unknown = next((name for name in _UNKNOWN if name in asked), None)
        if unknown is not None:
            raise BadRequest(f'{card.ref} takes no "{unknown}": list it under params: refuses: of the model')
        system, messages = converted(asked.get("messages"))
        body: Body = {"model": model, "messages": messages}
        body |= {name: value for name, value in asked.items() if name not in _TRANSLATED}
        if system:
            body["system"] = system
        if "stop" in asked:
            body["stop_sequences"] = asked["stop"] if isinstance(asked["stop"], list) else [asked["stop"]]
        generation = generation_of(model)
        body |= _tools(asked)
        body |= _thinking(asked, generation)
        body |= _schema(asked, generation, body)
        return {**body, "stream": True} if stream else body

    def wants(self, body: Body) -> Mapping[str, str]:
        """Schemas to write by are still announced."""
        return _SCHEMAS if "output_format" in body else {}

    def whole(self, reply: Mapping[str, Json]) -> Raw:
        """The parts of a message."""
        return whole(reply)

    def reader(self, collector: Collector) -> Blocks:
        """Events of blocks."""
        return Blocks(collector)


def _name(card: ModelFacts) -> str:
    return card.deployment or card.ref.model


def _url(base: str) -> str:
    path = urlsplit(base).path.rstrip("/")
    if path.endswith("/v1" + _PATH):
        return base
    return joined(base, _PATH if path.endswith("/v1") else f"/v1{_PATH}")


def _tools(asked: Mapping[str, object]) -> Body:
    tools = []
    for tool in sequence(asked.get("tools")):
        function = read(tool, "function")
        made = {"name": read(function, "name"), "input_schema": read(function, "parameters"), "type": "custom"}
        description = read(function, "description")
        tools.append({**made, "description": description} if description else made)
    if not tools:
        return _called_before(asked.get("messages"))
    choice = asked.get("tool_choice")
    return {"tools": tools, "tool_choice": _choice(choice)} if choice is not None else {"tools": tools}


def _called_before(messages: object) -> Body:
    """A conversation that holds calls wants tools to be named, also where none may be called any more."""
    calls = [call for message in sequence(messages) for call in sequence(read(message, "tool_calls"))]
    names = dict.fromkeys(read(read(call, "function"), "name") for call in calls)
    if not names:
        return {}
    none = {"type": "object", "properties": {}}
    tools = [{"name": name, "input_schema": none, "type": "custom"} for name in names]
    return {"tools": tools, "tool_choice": {"type": "none"}}


def _choice(choice: object) -> dict[str, object]:
    if choice == "required":
        return {"type": "any"}
    if isinstance(choice, str):
        return {"type": choice}
    return {"type": "tool", "name": read(read(choice, "function"), "name")}


def _thinking(asked: Mapping[str, object], generation: Generation) -> Body:
    effort = asked.get("reasoning_effort")
    if not isinstance(effort, str) or effort in ("none", "disable"):
        return {}
    if adapts(generation):
        effort = "low" if effort == "minimal" else effort
        return {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": effort}}
    return {"thinking": {"type": "enabled", "budget_tokens": BUDGETS.get(effort, BUDGETS["medium"])}}


def _schema(asked: Mapping[str, object], generation: Generation, body: Body) -> Body:
    """A schema to write by; for older models a tool that must be called, unless thinking forbids to force one."""
    schema = read(read(asked.get("response_format"), "json_schema"), "schema")
    if not isinstance(schema, dict):
        return {}
    if takes_schemas(generation):
        return {"output_format": {"type": "json_schema", "schema": constrained(schema)}}
    tools = [*sequence(body.get("tools")), {"name": SCHEMA_TOOL, "input_schema": schema}]
    if "thinking" in body:
        return {"tools": tools}
    forced: dict[str, object] = {"type": "any"} if len(tools) > 1 else {"type": "tool", "name": SCHEMA_TOOL}
    return {"tools": tools, "tool_choice": forced}
