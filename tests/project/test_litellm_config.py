"""``init --from``: what a configuration of LiteLLM's proxy comes to, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.said import Said

CONFIG = """
model_list:
  - model_name: gpt-4o
    litellm_params:
      {model: azure/my-eu, api_base: os.environ/EU_BASE, api_key: os.environ/EU_KEY, api_version: "2024-08-01", rpm: 60}
    model_info: {base_model: azure/gpt-4o, max_output_tokens: 16384, supports_vision: true}
  - model_name: gpt-4o
    litellm_params: {model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY}
  - model_name: Claude Fast
    litellm_params: {model: claude-haiku-4-5, api_key: sk-ant-literal-secret-000}
  - model_name: local
    litellm_params:
      model: openai/llama-3
      api_base: http://gpu1:8000/v1
      api_key: none
      input_cost_per_token: 0.0000002
      output_cost_per_token: 6e-7
      temperature: 0.2
      max_parallel_requests: 4
      timeout: 30
      extra_headers: {X-Team: os.environ/TEAM}
  - model_name: local
    litellm_params: {model: openai/llama-3, api_base: http://gpu2:8000/v1, api_key: sk-literal-gpu2}
  - model_name: all
    litellm_params: {model: openai/*}
router_settings:
  {routing_strategy: least-busy, num_retries: 2, cooldown_time: 30, fallbacks: [{local: [gpt-4o]}], redis_host: h}
litellm_settings: {callbacks: [langfuse]}
general_settings: {master_key: os.environ/KEY}
"""


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    Path("litellm.yaml").write_text(CONFIG)
    return Said(capsys)


def made(name: str) -> Any:
    return yaml.safe_load(Path(name).read_text())


def test_providers_names_limits_prices_and_chains_are_carried_over(said: Said) -> None:
    said("init", ".", "--from", "litellm.yaml")
    said("validate", ".")
    providers = made("providers.yaml")
    gpu1 = providers["providers"]["gpu1"]
    assert gpu1["headers"] == {"X-Team": "${TEAM}"} and "credentials" not in gpu1
    assert gpu1["models"]["llama-3"] == {"limits": {"in_flight": 4}, "timeout": "30s"}
    azure = providers["providers"]["azure-own"]
    assert (azure["base_url"], azure["credentials"]) == ("${EU_BASE}", ["EU_KEY"])
    assert azure["models"]["my-eu"]["like"] == "openai/gpt-4o"
    assert set(providers["providers"]) == {"azure-own", "gpu1", "gpu2"}  # what ships is not repeated
    assert providers["aliases"]["local"] == ["gpu1/llama-3", "gpu2/llama-3", "azure-own/my-eu", "openai/gpt-4o"]
    assert providers["aliases"]["Claude-Fast"] == "anthropic/claude-haiku-4-5"
    (price,) = made("pricing.yaml")["models"]["gpu1/llama-3"]
    assert (price["input"], price["output"]) == (0.2, 0.6)
    routing = made("routing.yaml")
    assert routing["fallback"] == {"attempts": 3, "cooldown": {"after": 3, "for": "30s"}}
    assert routing["policies"]["default"]["choose"] == "balanced"


def test_no_key_is_copied_and_what_has_no_place_is_listed(said: Said) -> None:
    said("init", ".", "--from", "litellm.yaml")
    text = Path("providers.yaml").read_text()
    assert "secret" not in text and "sk-" not in text
    for listed in (
        "set the variable ANTHROPIC_API_KEY to it",
        "the value of api_key for gpu2: set the variable GPU2_API_KEY to it",
        "local: litellm_params.temperature",
        "model_list[5]",
        "router_settings.redis_host",
        "litellm_settings.callbacks",
        "general_settings",
    ):
        assert f"#   {listed}\n" in text or listed in text
    assert made("providers.yaml")["providers"]["gpu2"]["credentials"] == ["GPU2_API_KEY"]


def test_a_name_of_the_proxy_is_a_model_of_the_plan(said: Said) -> None:
    said("init", ".", "--from", "litellm.yaml")
    plan = said.json("plan", "workflow.yaml", "--model", "local")
    assert plan["steps"][0]["route"]["model"] == "gpu1/llama-3"


@pytest.mark.parametrize("text", ["services: {}\n", "model_list: 3\n", "a: [\n"])
def test_another_file_is_refused_and_nothing_is_written(said: Said, text: str) -> None:
    Path("litellm.yaml").write_text(text)
    said("init", ".", "--from", "litellm.yaml", code=2)
    assert "litellm.yaml cannot be read" in said.err or "no configuration of LiteLLM's proxy" in said.err
    assert [path.name for path in Path().iterdir()] == ["litellm.yaml"]
