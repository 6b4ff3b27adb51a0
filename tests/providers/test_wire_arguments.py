"""What is sent: where, with which key, under which names; for each provider as it wants it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nano_flow.core.messages import Attachment, ChatRequest, Json, Message, ToolCall, ToolSpec
from nano_flow.core.refs import ModelRef
from nano_flow.plan.catalogue import ModelCard
from nano_flow.providers.cards import Endpoint, streams
from nano_flow.providers.wire.arguments import is_strict, prepare
from nano_flow.providers.wire.destination import destination
from nano_flow.providers.wire.names import ToolNames, wire_id
from tests.providers.endpoints import endpoint as declared

ALL = frozenset({"tools", "json_schema", "vision", "prompt_caching"})
SCHEMA: dict[str, Json] = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
READ = ToolSpec("read_file", "Reads a file.", {"type": "object", "properties": {"path": {"type": "string"}}})
SEARCH = ToolSpec("tracker.search", "", {})


def endpoint(
    litellm: str, card: ModelCard | None = None, keys: dict[str, str] | None = None, **settings: str
) -> Endpoint:
    card = card or ModelCard(ModelRef("p", "m"), can=ALL)
    return declared("p", litellm, settings, keys or {}, {card.ref.model: card})


def request(**fields: object) -> ChatRequest:
    plain = ChatRequest(ModelRef("p", "m"), (Message("user", "hello"),), max_output_tokens=500)
    return replace(plain, **fields)  # type: ignore[arg-type]


def sent(litellm: str, *, card: ModelCard | None = None, stream: bool = False, **fields: object) -> dict[str, Any]:
    return prepare(request(**fields), endpoint(litellm, card), stream=stream).arguments


@pytest.mark.parametrize(
    ("litellm", "keys", "settings", "wanted"),
    [
        ("openai", {"OPENAI_API_KEY": "k"}, {}, {"model": "openai/m", "api_key": "k"}),
        (
            "openai",
            {},
            {"base_url": "http://h/v1"},
            {"model": "openai/m", "api_base": "http://h/v1", "api_key": "none"},
        ),
        ("anthropic", {"ANTHROPIC_API_KEY": "k"}, {}, {"model": "anthropic/m", "api_key": "k"}),
        (
            "azure",
            {"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "http://h"},
            {"api_version": "v"},
            {"model": "azure/m", "api_base": "http://h", "api_version": "v", "api_key": "k"},
        ),
        (
            "gemini",
            {"GOOGLE_API_KEY": "k"},
            {"base_url": "http://h/"},
            {"model": "gemini/m", "api_base": "http://h/v1beta", "api_key": "k"},
        ),
        (
            "gemini",
            {"GEMINI_API_KEY": "k"},
            {"base_url": "http://h/v1"},
            {"model": "gemini/m", "api_base": "http://h/v1", "api_key": "k"},
        ),
        ("vertex_ai", {"GOOGLE_API_KEY": "k"}, {"project": "x"}, {"model": "gemini/m", "api_key": "k"}),
        (
            "vertex_ai",
            {"GOOGLE_APPLICATION_CREDENTIALS": "f.json", "GOOGLE_CLOUD_PROJECT": "x"},
            {"project": "x", "location": "eu"},
            {"model": "vertex_ai/m", "vertex_project": "x", "vertex_location": "eu", "vertex_credentials": "f.json"},
        ),
        (
            "bedrock",
            {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
            {"region": "eu-west-1", "base_url": "http://h"},
            {
                "model": "bedrock/converse/m",
                "aws_region_name": "eu-west-1",
                "aws_bedrock_runtime_endpoint": "http://h",
                "aws_access_key_id": "a",
                "aws_secret_access_key": "b",
                "aws_session_token": "",
                "api_key": "",
            },
        ),
        ("ollama_chat", {}, {"base_url": "h"}, {"model": "ollama_chat/m", "api_base": "http://h:11434"}),
        ("ollama_chat", {}, {"base_url": "0.0.0.0:1"}, {"model": "ollama_chat/m", "api_base": "http://127.0.0.1:1"}),
        (
            "cohere",
            {"COHERE_API_KEY": "k"},
            {"base_url": "http://h"},
            {"model": "cohere/m", "api_base": "http://h/v2/chat", "api_key": "k"},
        ),
        (
            "cohere",
            {"COHERE_API_KEY": "k"},
            {"base_url": "http://h/v2/"},
            {"model": "cohere/m", "api_base": "http://h/v2/chat", "api_key": "k"},
        ),
        (
            "huggingface",
            {"HF_TOKEN": "k"},
            {},
            {"model": "huggingface/m", "api_key": "k", "api_base": "https://router.huggingface.co/v1"},
        ),
        ("mistral", {"MISTRAL_API_KEY": "k"}, {}, {"model": "mistral/m", "api_key": "k"}),
    ],
)
def test_destinations(litellm: str, keys: dict[str, str], settings: dict[str, str], wanted: dict[str, str]) -> None:
    assert destination(endpoint(litellm, keys=keys, **settings), ModelCard(ModelRef("p", "m"))) == wanted


def test_a_deployment_is_sent_instead_of_the_models_name() -> None:
    card = ModelCard(ModelRef("p", "m"), deployment="mine")
    assert destination(endpoint("azure", card), card)["model"] == "azure/mine"


def test_the_cap_and_parameters_go_under_the_models_names() -> None:
    card = ModelCard(
        ModelRef("p", "m"),
        can=ALL,
        refuses=frozenset({"temperature"}),
        renames={"max_output_tokens": "max_completion_tokens"},
    )
    arguments = sent("openai", card=card, params={"temperature": 0.2, "seed": 7, "reasoning_effort": "low"})
    assert arguments["max_completion_tokens"] == 500
    assert "max_tokens" not in arguments
    assert "temperature" not in arguments
    assert (arguments["seed"], arguments["reasoning_effort"]) == (7, "low")
    assert sorted(arguments["allowed_openai_params"]) == ["reasoning_effort", "seed"]


def test_retries_are_off_wherever_that_can_be_said() -> None:
    assert sent("openai")["max_retries"] == sent("openai")["num_retries"] == 0
    assert "max_retries" not in sent("huggingface")


@pytest.mark.parametrize(
    ("effort", "cap", "kept"),
    [("low", 5000, {"reasoning_effort"}), ("high", 4096, {"temperature"}), (None, 5000, {"temperature"})],
)
def test_thinking_leaves_room_for_the_reply_and_takes_no_sampling(effort: str | None, cap: int, kept: set[str]) -> None:
    params = {"temperature": 0.1, "reasoning_effort": effort, "tool_choice": "required"}
    arguments = sent("anthropic", max_output_tokens=cap, params=params, tools=(READ,))
    assert {"temperature", "reasoning_effort"} & arguments.keys() == kept
    assert ("tool_choice" in arguments) is ("reasoning_effort" not in kept)


def test_tools_and_the_choice_of_one() -> None:
    arguments = sent("openai", tools=(READ, SEARCH), params={"tool_choice": "tracker.search"})
    assert [tool["function"]["name"] for tool in arguments["tools"]] == ["read_file", "tracker_search"]
    assert arguments["tools"][1]["function"]["parameters"] == {"type": "object", "properties": {}}
    assert "description" not in arguments["tools"][1]["function"]
    assert arguments["tool_choice"] == {"type": "function", "function": {"name": "tracker_search"}}
    assert sent("openai", tools=(READ,), params={"tool_choice": "required"})["tool_choice"] == "required"


def test_names_that_become_the_same_are_told_apart() -> None:
    names = ToolNames.of(["a.b", "a_b", "a-b", "ü" * 80])
    assert len(set(names.wire.values())) == 4
    assert all(len(name) <= 64 for name in names.wire.values())
    assert names.to_ours(names.to_wire("a_b")) == "a_b"
    assert names.to_wire("gone.tool") == "gone_tool"
    assert names.to_ours("invented") == "invented"


def test_ids_of_calls_are_kept_verbatim_where_they_can_be() -> None:
    strange = "call_1__thought__" + "A" * 1400
    assert wire_id(strange, "gemini") == strange
    assert wire_id("toolu_01", "openai") == "toolu_01"
    assert wire_id(strange, "openai") == wire_id(strange, "openai") != strange
    assert len(wire_id(strange, "openai")) <= 40


@pytest.mark.parametrize(
    ("litellm", "tools", "native"),
    [
        ("openai", (), True),
        ("openai", (READ,), True),
        ("anthropic", (READ,), True),
        ("gemini", (), True),
        ("gemini", (READ,), False),
        ("ollama_chat", (READ,), False),
        ("bedrock", (READ,), False),
        ("cohere", (), False),
    ],
)
def test_a_schema_goes_by_the_providers_own_means_where_they_do(
    litellm: str, tools: tuple[ToolSpec, ...], native: bool
) -> None:
    arguments = sent(litellm, output_schema=SCHEMA, tools=tools)
    assert ("response_format" in arguments) is native
    asked_by_prompt = any("JSON Schema" in str(message["content"]) for message in arguments["messages"])
    assert asked_by_prompt is not native


def test_a_schema_that_is_no_object_or_a_model_that_is_unknown_gets_it_by_prompt() -> None:
    assert "response_format" not in sent("openai", output_schema={"type": "array"})
    unknown = ModelCard(ModelRef("p", "m"))
    assert "response_format" not in sent("openai", card=unknown, output_schema=SCHEMA)


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (SCHEMA, True),
        ({**SCHEMA, "required": []}, False),
        ({"type": "object", "properties": {}}, False),
        ({**SCHEMA, "properties": {"a": {"type": "object", "properties": {"b": {}}}}}, False),
        ({"anyOf": [SCHEMA, {"type": "null"}]}, True),
        ({"oneOf": [SCHEMA]}, False),
        ({"type": "array", "items": SCHEMA}, True),
    ],
)
def test_strict_is_said_only_where_it_holds(schema: Json, strict: bool) -> None:
    assert is_strict(schema) is strict


def test_strict_is_openais_alone() -> None:
    assert sent("openai", output_schema=SCHEMA)["response_format"]["json_schema"]["strict"] is True
    assert "strict" not in sent("anthropic", output_schema=SCHEMA)["response_format"]["json_schema"]


@pytest.mark.parametrize(
    ("litellm", "can", "asked"),
    [
        ("openai", {"streaming"}, None),
        ("openai", {"streaming", "stream_usage"}, {"include_usage": True}),
        ("openai", None, None),
        ("anthropic", {"streaming"}, {"include_usage": True}),
    ],
)
def test_a_stream_is_asked_for_its_usage_where_the_card_says_so(
    litellm: str, can: set[str] | None, asked: object
) -> None:
    card = ModelCard(ModelRef("p", "m"), can=None if can is None else frozenset(can))
    arguments = sent(litellm, card=card, stream=True)
    assert (arguments["stream"], arguments.get("stream_options")) == (True, asked)
    assert streams(card) is (can is not None)
    assert "stream" not in sent(litellm, card=card)


@pytest.mark.parametrize(("words", "context"), [(10, 4096), (6000, 16384), (90000, 65536)])
def test_ollama_is_asked_for_a_context_that_holds_the_prompt(words: int, context: int) -> None:
    card = ModelCard(ModelRef("p", "m"), context_window=65536, can=ALL)
    arguments = sent("ollama_chat", card=card, messages=(Message("user", "word " * words),))
    assert arguments["num_ctx"] == context


def test_attachments_go_as_text_and_images() -> None:
    files = (Attachment("n.txt", "text/plain", "note"), Attachment("a.png", "image/png", "QUJD"))
    (message,) = sent("openai", messages=(Message("user", "look", attachments=files),))["messages"]
    text, image = message["content"]
    assert "note" in text["text"]
    assert image["image_url"]["url"] == "data:image/png;base64,QUJD"
    (message,) = sent("openai", messages=(Message("user", "look", attachments=files[:1]),))["messages"]
    assert isinstance(message["content"], str)


LONG = "rule " * 1500


def test_what_will_be_read_again_is_marked_for_the_cache() -> None:
    talk = (Message("system", LONG), Message("user", "go"))
    marked = sent("anthropic", messages=talk)["messages"]
    assert marked[0]["content"][0]["cache_control"] == {"type": "ephemeral"}
    assert isinstance(marked[1]["content"], str), "a single question is not written to the cache"
    loop = (
        *talk,
        Message("assistant", "", (ToolCall("1", "read_file", "{}"),)),
        Message("tool", "x", tool_call_id="1"),
    )
    assert sent("anthropic", messages=loop, tools=(READ,))["messages"][-1]["cache_control"] == {"type": "ephemeral"}
    asked = sent("anthropic", messages=talk, tools=(READ,))["messages"][-1]
    assert asked["content"][0]["cache_control"] == {"type": "ephemeral"}
    for other in (sent("openai", messages=talk), sent("anthropic", messages=(Message("system", "short"), talk[1]))):
        assert "cache_control" not in str(other["messages"])


def test_signed_thinking_goes_back_to_whom_it_came_from() -> None:
    data: dict[str, Json] = {"provider": "p", "thinking_blocks": [{"type": "thinking", "signature": "S"}]}
    call = Message("assistant", "", (ToolCall("1", "t", "{}"),), provider_data=data)
    assert sent("anthropic", messages=(call,))["messages"][0]["thinking_blocks"] == data["thinking_blocks"]
    assert "thinking_blocks" not in sent("openai", messages=(call,))["messages"][0]
    other = replace(call, provider_data={**data, "provider": "elsewhere"})
    assert "thinking_blocks" not in sent("anthropic", messages=(other,))["messages"][0]


def test_no_message_is_empty() -> None:
    talk = (Message("user", ""), Message("assistant", ""), Message("tool", "", tool_call_id="1"))
    assert all(message["content"] for message in sent("anthropic", messages=talk)["messages"])


def test_a_model_without_tools_gets_them_by_prompt() -> None:
    card = ModelCard(ModelRef("p", "m"), can=frozenset())
    talk = (
        Message("system", "Be brief."),
        Message("user", "go"),
        Message("assistant", "hm", (ToolCall("1", "read_file", '{"path": "a"}'),)),
        Message("tool", "text of a", tool_call_id="1"),
    )
    arguments = sent("openai", card=card, messages=talk, tools=(READ,), params={"tool_choice": "required"})
    assert "tools" not in arguments
    system, _, assistant, result = arguments["messages"]
    assert "read_file" in system["content"]
    assert "at least one tool" in system["content"]
    assert '<tool_call>{"name": "read_file", "arguments": {"path": "a"}}</tool_call>' in assistant["content"]
    assert result == {"role": "user", "content": "<tool_result>\ntext of a\n</tool_result>"}
