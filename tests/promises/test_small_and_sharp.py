"""Small promises: zero times, blank questions, simulated marks, long lists of words; each is one line for a reader."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest

from nano_flow.cli.main import run_command
from nano_flow.documents.load import load_routing
from nano_flow.project.policies import compiled

HEAD = "nano_flow: 1\nname: w\n"
ZERO = {
    "a step": "steps: {a: {run: [ls], timeout: 0s}}",
    "a question": "steps: {a: {approve: {message: Go?, timeout: 0m}}}",
    "a run": "limits: {timeout: 0.0s}\nsteps: {a: {run: [ls]}}",
    "handlers": "limits: {finally: {timeout: 0s}}\nsteps: {a: {run: [ls]}}",
    "a tool": "tools: {t: {description: d, run: [ls], timeout: 0s}}\nsteps: {a: {tool: t, with: {}}}",
    "a server": "tools: {t: {mcp: {command: [x], timeout: 0s}}}\nsteps: {a: {tool: t.x, with: {}}}",
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("place", ZERO)
def test_a_timeout_of_nothing_is_refused(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("w.yaml").write_text(f"{HEAD}{ZERO[place]}\n")
    assert run_command(["validate", "w.yaml"]) == 3
    assert "0 s" in capsys.readouterr().out


@pytest.mark.parametrize("key", ["timeout", "first_token_timeout"])
def test_a_timeout_of_nothing_is_refused_for_providers_too(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("providers.yaml").write_text(f"nano_flow: 1\nproviders: {{p: {{api: openai, {key}: 0s, open: true}}}}\n")
    assert run_command(["validate", "providers.yaml"]) == 3
    assert "a duration above 0 s" in capsys.readouterr().out


@pytest.mark.parametrize("step", ['prompt: " "', "prompt: x, verify: [{judge: '  '}]"])
def test_a_blank_question_is_refused(step: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("w.yaml").write_text(f"{HEAD}steps: {{a: {{{step}}}}}\n")
    assert run_command(["validate", "w.yaml"]) == 3
    assert "NF335" in capsys.readouterr().out


def test_what_no_model_said_is_marked_where_it_is_kept_and_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    Path("w.yaml").write_text(f"{HEAD}steps: {{a: {{prompt: hi, cache: true}}}}\n")
    for _ in range(2):
        assert run_command(["run", "w.yaml", "--offline", "-q"]) == 0
    capsys.readouterr()
    assert run_command(["cache", "show"]) == 0
    assert " simulated " in capsys.readouterr().out
    assert run_command(["cache", "show", "--json"]) == 0
    (kept,) = json.loads(capsys.readouterr().out)["replies"]
    assert kept["simulated"] is True and kept["hits"] == 1
    assert run_command(["cache", "stats", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["saved_usd"] == "0"
    assert run_command(["cache", "show", kept["key"][:9]]) == 0
    assert "simulated: no model said this" in capsys.readouterr().err
    assert run_command(["-q", "ask", "hi", "--offline"]) == 0
    assert "simulated: no model said this" in capsys.readouterr().err


def test_long_lists_of_words_take_time_in_proportion() -> None:
    def seconds(count: int) -> float:
        words = ", ".join(f"w{number}x" for number in range(count))
        signals = f"complexity: {{signals: [{{name: a, match: [{words}], points: 1}}]}}"
        text = f"nano_flow: 1\n{signals}\ntiers: {{one: {{models: [sim/small]}}}}\n"
        loaded = load_routing(text.encode(), "routing.yaml")
        started = time.thread_time()
        compiled(loaded, ".")
        return time.thread_time() - started

    assert seconds(24_000) < 20 * max(seconds(3_000), 0.001)
