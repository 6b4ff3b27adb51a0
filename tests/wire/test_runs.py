"""A workflow of every kind of call, run by `nano-flow run` on every shipped provider's wire format."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nano_flow.cli.main import run_command
from tests.wire import kit

pytestmark = pytest.mark.skipif(bool(kit.missing()), reason=kit.missing() or "installed")

WORKFLOW = """
nano_flow: 1
name: every kind of call
defaults: {model: MODEL, fallback: false, retry: {max_attempts: 1}, max_output_tokens: 900}
tools:
  get_weather:
    description: The weather of a city.
    parameters: {type: object, properties: {city: {type: string}}, required: [city]}
    run: [echo, "21 degrees in {{ args.city }}"]
  get_time:
    description: The time in a city.
    parameters: {type: object, properties: {city: {type: string}}, required: [city]}
    run: [echo, noon]
steps:
  chat: {prompt: Please say hello}
  data:
    prompt: The weather as data
    output_schema:
      type: object
      properties: {city: {type: string}, degrees: {type: integer}}
      required: [city, degrees]
      additionalProperties: false
  tool: {prompt: Use one tool, tools: [get_weather]}
  tools: {prompt: Use two tools, tools: [get_weather, get_time]}
  limited: {prompt: please be limited, on_error: continue}
  failing: {prompt: please fail, on_error: continue}
  key: {prompt: please refuse the key, on_error: continue}
  long: {prompt: please overflow, on_error: continue}
  garbled: {prompt: please garble, on_error: continue}
  silent: {prompt: please hang, timeout: 1s, on_error: continue}
outputs:
  city: "{{ steps.data.output.city }}"
  tool: "{{ steps.tool.output }}"
  tools: "{{ steps.tools.output }}"
"""
ERRORS = {
    "limited": {"rate_limit"},
    "failing": {"server_error"},
    "key": {"credentials"},
    "long": {"context_window"},
    "garbled": {"server_error", "connection"},
    "silent": {"timeout"},
}


@pytest.fixture(scope="module")
def server() -> Iterator[kit.WireServer]:
    running = kit.WireServer.start()
    yield running
    running.stop()


def run(provider: str, folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    file = folder / "workflow.yaml"
    file.write_text(WORKFLOW.replace("MODEL", f"{provider}/{kit.MODELS[provider]}"))
    code = run_command(["run", str(file), "--no-input", *options])
    return code, capsys.readouterr().out


@pytest.mark.parametrize("provider", kit.MODELS)
def test_every_kind_of_call(
    provider: str,
    server: kit.WireServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if kit.missing_for(provider):
        pytest.skip(kit.missing_for(provider))
    for name, value in kit.environment(server.url, tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    code, printed = run(provider, tmp_path, capsys, "--json")
    result: dict[str, Any] = json.loads(printed)
    steps = {step["id"]: step for step in result["steps"]}
    assert code == 0, result["error"]
    assert result["outputs"] == {"city": "Paris", "tool": "It is 21 degrees in Paris.", "tools": "21 degrees at noon."}
    assert steps["chat"]["output"].startswith("Hello there")
    assert not result["simulated"]
    for name, kinds in ERRORS.items():
        assert steps[name]["status"] == "failed", name
        assert steps[name]["error"]["class"] in kinds, name
        assert {attempt["error"] for attempt in steps[name]["attempts"]} <= kinds | {"cancelled"}, name
    assert "CANARY" not in printed
    store = b"".join(path.read_bytes() for path in (tmp_path / ".nano-flow").rglob("*") if path.is_file())
    assert b"CANARY" not in store
