"""``nano-flow providers``: tables and JSON of the shipped providers; nobody is asked without a key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nano_flow.cli.main import run_command
from tests.cli.said import Said


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)


def test_list_names_keys_and_never_shows_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-value")
    assert run_command(["providers", "list"]) == 0
    printed = capsys.readouterr().out
    assert "found OPENAI_API_KEY" in printed
    assert "missing ANTHROPIC_API_KEY" in printed
    assert "sk-very-secret-value" not in printed


def test_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["providers", "list", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["schema"] == "nano-flow/providers@1"
    names = {provider["name"]: provider for provider in printed["providers"]}
    shipped = "openai anthropic azure vertex gemini bedrock ollama cohere huggingface sim"
    assert set(shipped.split()) <= names.keys()
    assert (names["sim"]["credentials"], names["openai"]["credentials"]) == ("not_needed", "missing")


def test_check_says_what_to_do_and_how_it_went(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    assert run_command(["providers", "check", "ollama", "openai", "sim"]) == 4
    printed = capsys.readouterr().out
    assert "ollama serve" in printed
    assert "set OPENAI_API_KEY" in printed
    assert run_command(["providers", "check", "sim", "--json"]) == 0
    (sim,) = json.loads(capsys.readouterr().out)["providers"]
    assert sim["reachable"] is True


def test_models_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["providers", "models", "gpt-5-mini", "--json"]) == 0
    models = json.loads(capsys.readouterr().out)["models"]
    assert {"openai/gpt-5-mini", "azure/gpt-5-mini"} == {model["model"] for model in models}
    assert all("temperature" in model["refuses"] for model in models)
    assert run_command(["providers", "models", "sim/"]) == 0
    assert "sim/large" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["check", "nope"], ["models", "nope"]])
def test_unknown_names_say_which_are_known(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["providers", *arguments]) == 2
    assert '"nope"' in capsys.readouterr().err


def test_health_comes_from_the_runs_of_the_project(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    say = Said(capsys)
    assert say("providers", "health") == ""
    assert "nothing was asked" in say.err
    (tmp_path / "w.yaml").write_text("nano_flow: 1\nname: w\ninputs: {}\nsteps: {a: {prompt: hello}}\n")
    say("run", "w.yaml", "--offline")
    text = say("providers", "health", "--models")
    assert "sim/small ~" in text
    (row,) = say.json("providers", "health", "sim")["rows"]
    assert (row["name"], row["answered"], row["simulated"]) == ("sim", 1, True)
    assert row["hours"][0]["answered"] == 1
    assert say.json("providers", "health", "nobody")["rows"] == []
