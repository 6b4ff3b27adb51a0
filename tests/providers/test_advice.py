"""Errors that one can mend: which command to type, what to declare."""

from __future__ import annotations

import pytest

from nano_flow.core.errors import BadRequest, ConnectionLost, ModelUnknown, ProviderError
from nano_flow.core.refs import ModelRef
from nano_flow.plan.catalogue import ModelCard
from nano_flow.providers.cards import Endpoint
from nano_flow.providers.vendor import tidy
from nano_flow.providers.wire.advice import advice
from nano_flow.source.yaml_nodes import read_yaml


def said(error: ProviderError, litellm: str, model: str = "m", deployment: str | None = None) -> str:
    ref = ModelRef("mine", model)
    return advice(error, Endpoint("mine", litellm, {}, {}, {model: ModelCard(ref, deployment=deployment)}), ref)


@pytest.mark.parametrize(
    ("error", "litellm", "expected"),
    [
        (ConnectionLost("refused"), "ollama_chat", "start it: ollama serve"),
        (ConnectionLost("refused"), "openai", "see nano-flow providers check mine"),
        (ConnectionLost("cut", maybe_billed=True), "ollama_chat", ""),
        (ModelUnknown("gone"), "ollama_chat", "fetch it: ollama pull m"),
        (ModelUnknown("gone"), "openai", ""),
        (BadRequest("no"), "azure", ""),
    ],
)
def test_what_to_do_next_is_said_where_it_is_known(error: ProviderError, litellm: str, expected: str) -> None:
    assert said(error, litellm) == expected


def test_an_azure_deployment_that_does_not_exist_shows_what_to_declare() -> None:
    text = said(ModelUnknown("DeploymentNotFound"), "azure", "gpt-5-mini", "gpt-5-mini")
    assert text.startswith('there is no deployment "gpt-5-mini" there; say in providers.yaml')
    declared = read_yaml(text.partition("\n")[2], "snippet.yaml").data
    assert declared == {
        "mine": {"models": {"gpt-5-mini": {"deployment": "YOUR-DEPLOYMENT", "like": "openai/gpt-5-mini"}}}
    }


def test_the_network_layer_s_objects_are_no_part_of_a_message() -> None:
    raw = "Cannot connect to host 127.0.0.1:11434 ssl:<ssl.SSLContext object at 0x7f> [Connect call failed]"
    assert tidy(raw) == "Cannot connect to host 127.0.0.1:11434 [Connect call failed]"
    assert tidy("Cannot connect to host h:1 ssl:default [x]") == "Cannot connect to host h:1 [x]"
