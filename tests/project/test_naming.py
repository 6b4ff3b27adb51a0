"""``--model`` and ``--provider`` that nobody serves are refused before anything is started or stored."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nano_flow.cli.main import run_command
from nano_flow.core.errors import UsageError
from nano_flow.project.naming import full_name
from nano_flow.project.opening import open_workflow

WORKFLOW = "nano_flow: 1\nname: one\nsteps:\n  ask: {prompt: Hello}\n"


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize(
    ("option", "name", "said"),
    [
        ("--provider", "openia", 'there is no provider "openia": .*; did you mean "openai"[?]'),
        ("--model", "openia/gpt-5", 'there is no provider "openia": .*; did you mean "openai"[?]'),
        (
            "--model",
            "openai/gpt-5-mni",
            'the provider "openai" has no model "gpt-5-mni": .*; did you mean "gpt-5-mini"',
        ),
        ("--model", "gpt-5-mini", 'there is no tier "gpt-5-mini": .*; write "openai/gpt-5-mini"'),
        ("--model", "standart", 'there is no tier "standart": .*; did you mean "standard"[?]'),
        ("--model", "/x", '"/x" is no model: expected provider/model'),
    ],
)
def test_an_unknown_name_is_wrong_usage(
    command: str, option: str, name: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.yaml").write_text(WORKFLOW)
    assert run_command([command, str(tmp_path / "one.yaml"), "--offline", option, name, "-C", str(tmp_path)]) == 2
    assert re.search(said, capsys.readouterr().err)
    assert not (tmp_path / ".nano-flow").exists()


@pytest.mark.parametrize("model", [None, "auto", "standard", "openai/gpt-5-mini", "ollama/whatever-is-pulled"])
def test_what_is_declared_passes(model: str | None, tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(WORKFLOW)
    assert full_name(model, None, open_workflow(str(tmp_path / "one.yaml")).policies) == model


def test_a_model_of_the_provider_is_named_in_full_and_one_of_another_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(WORKFLOW)
    policies = open_workflow(str(tmp_path / "one.yaml")).policies
    assert full_name("gpt-5-mini", "openai", policies) == "openai/gpt-5-mini"
    assert full_name("simple", "openai", policies) == "simple"
    assert full_name("openai/gpt-5", "openai", policies) == "openai/gpt-5"
    with pytest.raises(UsageError, match='"openai/gpt-5" is no model of the provider "anthropic"'):
        full_name("openai/gpt-5", "anthropic", policies)
    with pytest.raises(UsageError, match=r'has no model "gpt-5-mni".*did you mean "gpt-5-mini"'):
        full_name("gpt-5-mni", "openai", policies)
    with pytest.raises(UsageError, match=r'there is no tier "gpt-5-mni".*did you mean "gpt-5-mini"'):
        full_name("gpt-5-mni", None, policies)


def test_a_model_is_known_by_the_name_that_its_provider_gives_it(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(WORKFLOW)
    policies = open_workflow(str(tmp_path / "one.yaml"), tmp_path).policies
    dated = "claude-3-haiku-20240307"
    assert full_name(dated, None, policies) == "anthropic/claude-3-haiku"
    assert full_name(dated, "anthropic", policies) == "anthropic/claude-3-haiku"
    assert full_name(f"anthropic/{dated}", None, policies) == "anthropic/claude-3-haiku"
    with pytest.raises(UsageError):
        full_name(dated, "cohere", policies)
