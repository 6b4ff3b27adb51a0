"""OpenAI's Responses API: where a call goes and how it is written."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from nano_flow.core.errors import BadRequest
from nano_flow.core.messages import Json
from nano_flow.providers.cards import Endpoint, ModelFacts
from nano_flow.providers.direct.dialect import Body, Target, joined
from nano_flow.providers.direct.responses.messages import converted
from nano_flow.providers.direct.responses.reading import Items, whole
from nano_flow.providers.wire.arguments import Prepared
from nano_flow.providers.wire.plain import read, sequence
from nano_flow.providers.wire.reply import Raw
from nano_flow.providers.wire.stream import Collector

PREFIX = "responses/"
"""Before the name that is sent: this model is asked by the Responses API; LiteLLM writes it so, too."""
_OPENAI = "https://api.openai.com/v1"
_PATH = "/responses"
_TRANSLATED = frozenset(
    {"messages", "tools", "tool_choice", "response_format", "reasoning_effort", "verbosity"}
    | {"max_tokens", "max_completion_tokens"}
)
_UNKNOWN = ("seed", "stop")
"""Parameters that this interface has no word for."""


class Responses:
    """The language of OpenAI's Responses; the server keeps nothing, and gives its reasoning out sealed instead."""

    service = "openai"

    def target(self, endpoint: Endpoint, card: ModelFacts, *, stream: bool) -> Target:
        """Azure takes its key in a header of its own, here as well."""
        base = endpoint.address or _OPENAI
        path = urlsplit(base).path.rstrip("/")
        url = base if path.endswith(_PATH) else joined(base, _PATH)
        key = endpoint.key
        if endpoint.litellm == "azure" and not endpoint.part("token"):
            return Target(url, {"api-key": key} if key else {})
        headers = {"authorization": f"Bearer {key}"} if key else {}
        for name in ("organization", "project"):
            if endpoint.setting(name):
                headers[f"openai-{name}"] = endpoint.setting(name)
        return Target(url, headers)

    def wants(self, body: Body) -> Mapping[str, str]:
        """None."""
        return {}

    def body(self, prepared: Prepared, card: ModelFacts, *, stream: bool) -> Body:
        """The call as items. BadRequest for a parameter that there is no word for."""
        asked = prepared.arguments
        unknown = next((name for name in _UNKNOWN if name in asked), None)
        if unknown is not None:
            raise BadRequest(f'{card.ref} takes no "{unknown}" here: list it under params: refuses: of the model')
        body: Body = {"model": sent_name(card), "input": converted(asked.get("messages")), "store": False}
        body |= {name: value for name, value in asked.items() if name not in _TRANSLATED}
        cap = asked.get("max_tokens", asked.get("max_completion_tokens"))
        if cap is not None:
            body["max_output_tokens"] = cap
        body |= _tools(asked) | _text(asked)
        effort = asked.get("reasoning_effort")
        if isinstance(effort, str):
            body["reasoning"] = {"effort": effort}
        if card.can is not None and "reasoning" in card.can:
            body["include"] = ["reasoning.encrypted_content"]
        return {**body, "stream": True} if stream else body

    def whole(self, reply: Mapping[str, Json]) -> Raw:
        """The items of a response."""
        return whole(reply)

    def reader(self, collector: Collector) -> Items:
        """Events of items."""
        return Items(collector)


def speaks_responses(endpoint: Endpoint, card: ModelFacts) -> bool:
    """Whether a model is asked by the Responses API: its name says so, or the address does."""
    name = card.deployment or card.ref.model
    return name.startswith(PREFIX) or endpoint.address.partition("?")[0].rstrip("/").endswith(_PATH)


def sent_name(card: ModelFacts) -> str:
    """The name that the server knows."""
    return (card.deployment or card.ref.model).removeprefix(PREFIX)


def _tools(asked: Mapping[str, object]) -> Body:
    tools: list[object] = []
    for tool in sequence(asked.get("tools")):
        function = read(tool, "function")
        made = {"type": "function", "name": read(function, "name"), "parameters": read(function, "parameters")}
        description = read(function, "description")
        tools.append({**made, "strict": False, **({"description": description} if description else {})})
    if not tools:
        return {}
    choice = asked.get("tool_choice")
    if isinstance(choice, Mapping):
        choice = {"type": "function", "name": read(read(choice, "function"), "name")}
    return {"tools": tools, **({"tool_choice": choice} if choice is not None else {})}


def _text(asked: Mapping[str, object]) -> Body:
    made: dict[str, object] = {}
    wanted = read(asked.get("response_format"), "json_schema")
    if isinstance(wanted, Mapping):
        made["format"] = {"type": "json_schema", **wanted}
    if asked.get("verbosity") is not None:
        made["verbosity"] = asked["verbosity"]
    return {"text": made} if made else {}
