"""Gemini's generateContent: where a call goes and how it is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from nano_flow.core.errors import BadRequest
from nano_flow.core.messages import Json
from nano_flow.providers.cards import Endpoint, ModelFacts
from nano_flow.providers.direct.dialect import Body, Target, joined, with_query
from nano_flow.providers.direct.gemini.messages import converted
from nano_flow.providers.direct.gemini.reading import Candidates, whole
from nano_flow.providers.direct.gemini.schema import reduced
from nano_flow.providers.wire.arguments import BUDGETS, Prepared
from nano_flow.providers.wire.plain import read, sequence
from nano_flow.providers.wire.reply import Raw
from nano_flow.providers.wire.stream import Collector

_GEMINI = "https://generativelanguage.googleapis.com"
_VERSION = re.compile(r"/v\d+(?:alpha|beta)?\d*(?:/|$)")
_NAMES = {"temperature": "temperature", "top_p": "topP", "seed": "seed", "max_tokens": "maxOutputTokens"}
_THIRD = re.compile(r"gemini-(?:[3-9]|\d\d)(?![\d])")
_LEAST_BUDGETS = (("flash-lite", 512), ("2.5-flash", 1), ("", 128))
"""What ``minimal`` comes to, by a part of the model's name."""


class Gemini:
    """The language of Gemini; ``service`` is ``gemini``, or ``vertex_ai`` where a project is billed."""

    def __init__(self, service: str) -> None:
        self.service = service

    def target(self, endpoint: Endpoint, card: ModelFacts, *, stream: bool) -> Target:
        """The Gemini API takes a key, Vertex a token of Google's."""
        where = _vertex(endpoint) if self.service == "vertex_ai" else _gemini(endpoint)
        model = quote(_name(card), safe="@.-_")
        url = joined(where, f"/models/{model}:{'streamGenerateContent' if stream else 'generateContent'}")
        headers = {"x-goog-api-key": endpoint.part("api_key")} if endpoint.part("api_key") else {}
        if endpoint.part("token"):
            headers = {"authorization": f"Bearer {endpoint.part('token')}"}
        return Target(with_query(url, "alt=sse") if stream else url, headers)

    def body(self, prepared: Prepared, card: ModelFacts, *, stream: bool) -> Body:
        """The call in Gemini's words. BadRequest for a parameter that it has no word for."""
        asked, model = prepared.arguments, _name(card)
        if "verbosity" in asked:
            raise BadRequest(f'{card.ref} takes no "verbosity": list it under params: refuses: of the model')
        system, contents = converted(asked.get("messages"), signed=_THIRD.search(model) is not None)
        body: Body = {"contents": contents}
        if system:
            body["systemInstruction"] = {"parts": system}
        return {**body, **_tools(asked), "generationConfig": _settings(asked, model)}

    def wants(self, body: Body) -> Mapping[str, str]:
        """None."""
        return {}

    def whole(self, reply: Mapping[str, Json]) -> Raw:
        """The parts of the first candidate."""
        return whole(reply)

    def reader(self, collector: Collector) -> Candidates:
        """Events of candidates."""
        return Candidates(collector)


def _name(card: ModelFacts) -> str:
    return (card.deployment or card.ref.model).removeprefix("models/")


def _gemini(endpoint: Endpoint) -> str:
    base = endpoint.address or _GEMINI
    return base if _VERSION.search(urlsplit(base).path) else joined(base, "/v1beta")


def _vertex(endpoint: Endpoint) -> str:
    """The place is in the host and in the path; an address of one's own may hold the path already."""
    place = endpoint.setting("location") or "us-central1"
    host = "aiplatform.googleapis.com" if place == "global" else f"{place}-aiplatform.googleapis.com"
    base = endpoint.address or f"https://{host}"
    if "/publishers/" in urlsplit(base).path:
        return base
    project = quote(endpoint.setting("project") or endpoint.part("project"))
    version = "" if _VERSION.search(urlsplit(base).path) else "/v1"
    return joined(base, f"{version}/projects/{project}/locations/{quote(place)}/publishers/google")


def _tools(asked: Mapping[str, object]) -> Body:
    declared = [_function(read(tool, "function")) for tool in sequence(asked.get("tools"))]
    if not declared:
        return {}
    choice = asked.get("tool_choice")
    body: Body = {"tools": [{"functionDeclarations": declared}]}
    return body if choice is None else {**body, "toolConfig": {"functionCallingConfig": _choice(choice)}}


def _function(function: object) -> dict[str, object]:
    parameters = read(function, "parameters")
    made: dict[str, object] = {"name": read(function, "name")}
    if read(function, "description"):
        made["description"] = read(function, "description")
    return {**made, "parameters": reduced(parameters) if isinstance(parameters, dict) else {"type": "object"}}


def _choice(choice: object) -> dict[str, object]:
    if isinstance(choice, str):
        return {"mode": {"required": "ANY", "none": "NONE"}.get(choice, "AUTO")}
    return {"mode": "ANY", "allowedFunctionNames": [read(read(choice, "function"), "name")]}


def _settings(asked: Mapping[str, object], model: str) -> dict[str, object]:
    made: dict[str, object] = {ours: asked[name] for name, ours in _NAMES.items() if name in asked}
    if "stop" in asked:
        made["stopSequences"] = asked["stop"] if isinstance(asked["stop"], list) else [asked["stop"]]
    effort = asked.get("reasoning_effort")
    if isinstance(effort, str):
        made["thinkingConfig"] = _thinking(effort, model)
    schema = read(read(asked.get("response_format"), "json_schema"), "schema")
    if isinstance(schema, dict):
        made |= {"responseMimeType": "application/json", "responseJsonSchema": schema}
    return made


def _thinking(effort: str, model: str) -> dict[str, object]:
    """A level for the third generation and later, a budget of tokens before."""
    off = effort in ("none", "disable")
    if _THIRD.search(model):
        least = "minimal" if "flash" in model else "low"
        return {"thinkingLevel": least if off or effort == "minimal" else effort, "includeThoughts": not off}
    if off:
        return {"thinkingBudget": 0, "includeThoughts": False}
    least_budget = next(tokens for part, tokens in _LEAST_BUDGETS if part in model)
    budget = least_budget if effort == "minimal" else BUDGETS.get(effort, BUDGETS["medium"])
    return {"thinkingBudget": budget, "includeThoughts": True}
