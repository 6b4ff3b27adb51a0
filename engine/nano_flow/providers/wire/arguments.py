"""The arguments of one ``litellm.acompletion`` call: where, with which key, what, within which limits."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace

from nano_flow.core.errors import BadRequest
from nano_flow.core.messages import ChatRequest, Json, ToolSpec
from nano_flow.providers.cards import Endpoint, ModelFacts, asks_for_usage
from nano_flow.providers.prompt_tools import schema_note, tools_note
from nano_flow.providers.simulated.tokens import count_request
from nano_flow.providers.wire.advice import OLLAMA
from nano_flow.providers.wire.destination import destination
from nano_flow.providers.wire.messages import MessageStyle, wire_messages
from nano_flow.providers.wire.names import ToolNames

Arguments = dict[str, object]
SCHEMA_NAME = "reply"
_PARAMS = ("temperature", "top_p", "seed", "stop", "reasoning_effort", "verbosity")
_TOOLS = frozenset({"tools", "tool_choice"})
"""What LiteLLM is to translate also for models that its own list does not know; our cards say who takes it."""
_REWRITTEN = frozenset({"tools", "response_format"})
"""What LiteLLM rewrites in place, down to the schemas of the request."""
_PASSED_ON = _TOOLS | {*_PARAMS, "response_format"}
_SPEAKS_OPENAI = frozenset({"openai", "azure", "huggingface"})
"""LiteLLM ids whose parameters need no translation, so that none of them depends on LiteLLM's list."""
_SMALLEST_CONTEXT, _LARGEST_CONTEXT = 4096, 131_072
_THINKS_BY_BUDGET = frozenset({"anthropic", "bedrock"})
"""LiteLLM ids for which ``reasoning_effort`` becomes a budget of tokens, and what LiteLLM makes of each word."""
BUDGETS = {"minimal": 1024, "low": 1024, "medium": 2048, "high": 4096, "xhigh": 8192}
_SCHEMA_BESIDE_TOOLS = frozenset({"openai", "azure", "anthropic"})
"""LiteLLM ids whose models take a schema and tools in one call; the others get the schema by prompt then."""
_NO_SCHEMA = frozenset({"cohere", "cohere_chat"})
"""LiteLLM ids for which LiteLLM does not translate a schema: it goes by prompt."""
_CACHE_BY_MARK = frozenset({"anthropic", "bedrock"})
"""LiteLLM ids of providers that cache a prompt only where it is marked."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call ready to be made; where ``tools_by_prompt`` its calls are read from the text. ``window`` in tokens.

    ``service`` is LiteLLM's id of the kind of server, ``arguments`` are in the form of OpenAI.
    """

    service: str
    arguments: Arguments
    names: ToolNames
    tools_by_prompt: bool = False
    window: int | None = None


def prepare(request: ChatRequest, endpoint: Endpoint, *, stream: bool) -> Prepared:
    """A call of LiteLLM: everything but what is the same for all calls."""
    card = endpoint.model(request.model)
    where = destination(endpoint, card)
    litellm = str(where["model"]).partition("/")[0]
    prepared = compose(request, endpoint, litellm)
    asked = {name: deepcopy(value) if name in _REWRITTEN else value for name, value in prepared.arguments.items()}
    arguments: Arguments = {**where, **asked}
    if stream:
        arguments["stream"] = True
        if asks_for_usage(card, litellm):
            arguments["stream_options"] = {"include_usage": True}
    allowed = _PASSED_ON if litellm in _SPEAKS_OPENAI else _TOOLS
    arguments["allowed_openai_params"] = [name for name in arguments if name in allowed]
    if more := extra(request):
        arguments["extra_body"] = more
    if endpoint.headers:
        arguments["extra_headers"] = dict(endpoint.headers)
    if litellm in OLLAMA:
        arguments["num_ctx"] = _context_for(request, card)
    if litellm != "huggingface":  # there LiteLLM would send it to the server
        arguments |= {"num_retries": 0, "max_retries": 0}
    return replace(prepared, arguments=arguments)


def extra(request: ChatRequest) -> Arguments:
    """Parameters of the author's own, which are sent as they are."""
    given = request.params.get("extra")
    return dict(given) if isinstance(given, Mapping) else {}


def compose(request: ChatRequest, endpoint: Endpoint, service: str) -> Prepared:
    """What is asked, in the form of OpenAI, with what ``service`` wants and without what it or the model refuses."""
    card = endpoint.model(request.model)
    names = ToolNames.of(tool.name for tool in request.tools)
    by_prompt = bool(request.tools) and card.can is not None and "tools" not in card.can
    native_schema = _native_schema(request, card, service)
    style = MessageStyle(
        litellm=service,
        provider=endpoint.name,
        names=names,
        mark_cache=service in _CACHE_BY_MARK and (card.can is None or "prompt_caching" in card.can),
        tools_as_text=by_prompt,
        note=_note(request, by_prompt=by_prompt, native_schema=native_schema),
    )
    arguments: Arguments = {"messages": wire_messages(request, style), **_params(request, card, service)}
    if request.tools and not by_prompt:
        arguments["tools"] = [_tool(tool, names) for tool in request.tools]
        if not (service in _THINKS_BY_BUDGET and "reasoning_effort" in arguments):  # thinking takes no forced call
            arguments |= _tool_choice(request, card, names)
    if request.output_schema is not None and native_schema:
        arguments["response_format"] = _response_format(request.output_schema, service)
    return Prepared(service, arguments, names, by_prompt, card.context_window)


def _note(request: ChatRequest, *, by_prompt: bool, native_schema: bool) -> str:
    notes = []
    if by_prompt and request.params.get("tool_choice") != "none":
        notes.append(tools_note(request.tools, request.params.get("tool_choice")))
    if request.output_schema is not None and not native_schema:
        notes.append(schema_note(request.output_schema))
    return "\n\n".join(notes)


def _native_schema(request: ChatRequest, card: ModelFacts, litellm: str) -> bool:
    if request.output_schema is None or card.can is None or "json_schema" not in card.can or litellm in _NO_SCHEMA:
        return False
    if request.output_schema.get("type") != "object":
        return False  # most providers take an object at the top and nothing else
    return not request.tools or litellm in _SCHEMA_BESIDE_TOOLS


def _params(request: ChatRequest, card: ModelFacts, litellm: str) -> Arguments:
    """The cap and the parameters under the names that the model knows, without those that it refuses."""
    arguments: Arguments = {card.renames.get("max_output_tokens", "max_tokens"): request.max_output_tokens}
    refused = set(card.refuses)
    if litellm in _THINKS_BY_BUDGET:
        refused |= _against_thinking(request)
    for name in _PARAMS:
        value = request.params.get(name)
        if value is not None and name not in refused:
            arguments[card.renames.get(name, name)] = value
    together = sorted(name for name in card.one_of if card.renames.get(name, name) in arguments)
    if len(together) > 1:  # a model that was named while the run went on: validate saw only a template
        raise BadRequest(f"{card.ref} takes only one of {' and '.join(together)}; nothing was sent")
    return arguments


def _against_thinking(request: ChatRequest) -> set[str]:
    """What cannot go together: thinking beyond the cap on the reply, thinking with sampling parameters."""
    effort = request.params.get("reasoning_effort")
    budget = BUDGETS.get(effort, 0) if isinstance(effort, str) else 0
    if budget >= request.max_output_tokens:
        return {"reasoning_effort"}
    return {"temperature", "top_p"} if budget else set()


def _context_for(request: ChatRequest, card: ModelFacts) -> int:
    """Tokens of context to ask Ollama for: it cuts longer prompts silently, and loads the model anew for another size.

    So the size is a power of two, with room for the prompt and its reply, at most the model's own.
    """
    needed = count_request(request) * 5 // 4 + request.max_output_tokens
    size = _SMALLEST_CONTEXT
    while size < needed:
        size *= 2
    return min(size, card.context_window or _LARGEST_CONTEXT)


def _tool_choice(request: ChatRequest, card: ModelFacts, names: ToolNames) -> Arguments:
    choice = request.params.get("tool_choice")
    if not isinstance(choice, str) or "tool_choice" in card.refuses:
        return {}
    if choice in ("auto", "none", "required"):
        return {"tool_choice": choice}
    return {"tool_choice": {"type": "function", "function": {"name": names.to_wire(choice)}}}


def _tool(tool: ToolSpec, names: ToolNames) -> Json:
    parameters: dict[str, Json] = {"type": "object", "properties": {}, **tool.parameters}
    function: dict[str, Json] = {"name": names.to_wire(tool.name), "parameters": parameters}
    if tool.description:
        function["description"] = tool.description
    return {"type": "function", "function": function}


def _response_format(schema: Mapping[str, Json], litellm: str) -> Json:
    wanted: dict[str, Json] = {"name": SCHEMA_NAME, "schema": dict(schema)}
    if litellm in ("openai", "azure"):
        wanted["strict"] = is_strict(dict(schema))
    return {"type": "json_schema", "json_schema": wanted}


def is_strict(schema: Json) -> bool:
    """Whether OpenAI would take ``schema`` as strict: objects closed, all their properties required."""
    if isinstance(schema, list):
        return all(is_strict(part) for part in schema)
    if not isinstance(schema, dict):
        return True
    if any(
        key in schema for key in ("allOf", "oneOf", "not", "if", "patternProperties", "minProperties", "propertyNames")
    ):
        return False
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, dict):
        named = list(properties) if isinstance(properties, dict) else []
        required = schema.get("required")
        if schema.get("additionalProperties") is not False or sorted(named) != sorted(_strings(required)):
            return False
    return all(is_strict(part) for key, part in schema.items() if key not in ("required", "enum", "const", "default"))


def _strings(value: Json) -> list[str]:
    return [str(part) for part in value] if isinstance(value, list) else []
