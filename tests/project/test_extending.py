"""``extends``: own files add to the shipped ones, to the user's or to others; validate, plan and doctor say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.said import Said

WORKFLOW = "nano_flow: 1\nname: w\nsteps:\n  new: {prompt: Hi., model: openai/gpt-next}\n  auto: {prompt: Hi again.}\n"
PROVIDERS = "nano_flow: 1\n%sproviders:\n  openai:\n    %smodels:\n      gpt-next: {like: openai/gpt-5.5}\n"
ALONE = "litellm: openai\n    credentials: [OPENAI_API_KEY]\n    "


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    Path("w.yaml").write_text(WORKFLOW)
    return Said(capsys)


def test_one_more_model_is_two_lines(said: Said) -> None:
    Path("providers.yaml").write_text(PROVIDERS % ("extends: shipped\n", ""))
    Path("pricing.yaml").write_text(
        "nano_flow: 1\nextends: shipped\nmodels:\n  openai/gpt-next: [{from: 2026-01-01, input: 4, output: 20}]\n"
    )
    said("validate", ".")
    assert "in force: providers.yaml extends providers.yaml (shipped), routing.yaml (shipped)" in said.err
    plan = said.json("plan", "w.yaml")
    assert [step["route"]["model"] for step in plan["steps"]] == ["openai/gpt-next", "openai/gpt-5.4-nano"]
    assert plan["policy"]["providers"]["file"] == "providers.yaml extends providers.yaml (shipped)"
    assert "(project extends pricing.yaml (shipped)) is valid" in said("doctor")


def test_alone_it_is_all_there_is_and_a_routed_step_is_refused(said: Said) -> None:
    Path("providers.yaml").write_text((PROVIDERS % ("", ALONE)).replace("like: openai/gpt-5.5", "context_window: 9k"))
    said("validate", "w.yaml", code=3)
    assert "NF352" in said.out and 'so "auto" has no candidate' in said.out and "extends: shipped" in said.out


def test_null_takes_a_provider_away_and_lines_of_the_base_are_named(said: Said) -> None:
    both = "  a: {litellm: openai, models: {m: {like: b/m}}}\n  b: {litellm: openai, models: {m: {}}}\n"
    Path("base.yaml").write_text(f"nano_flow: 1\nproviders:\n{both}")
    Path("providers.yaml").write_text("nano_flow: 1\nextends: base.yaml\nproviders: {b: null}\n")
    said("validate", "providers.yaml", code=3)
    assert 'base.yaml:3:43  error NF550  "a/m" is like "b/m", which is not declared' in said.out


def test_the_users_folder_stands_for_the_shipped_files(said: Said) -> None:
    folder = Path("home/nano-flow")
    folder.mkdir(parents=True)
    (folder / "providers.yaml").write_text(PROVIDERS % ("extends: shipped\n", ""))
    said("validate", "w.yaml")
    assert "in force: home/nano-flow/providers.yaml extends providers.yaml (shipped)" in said.err
    Path("providers.yaml").write_text("nano_flow: 1\nextends: user\nproviders: {openai: {models: {own: {}}}}\n")
    said("validate", "w.yaml")
    assert "providers.yaml extends home/nano-flow/providers.yaml extends providers.yaml (shipped)" in said.err


@pytest.mark.parametrize(
    ("name", "text", "code", "expected"),
    [
        ("providers.yaml", "extends: gone.yaml\nproviders: {}\n", "NF553", '"gone.yaml" does not exist'),
        ("providers.yaml", "extends: providers.yaml\nproviders: {}\n", "NF553", "files that extend each other"),
        ("providers.yaml", "extends: [shipped]\nproviders: {}\n", "NF553", 'expected "shipped", "user" or a file'),
        ("pricing.yaml", "extends: shipped\nper_tokens: 1\nmodels: {}\n", "NF554", "are per 1M tokens"),
    ],
)
def test_what_cannot_be_extended_is_told_at_its_line(
    said: Said, name: str, text: str, code: str, expected: str
) -> None:
    Path(name).write_text(f"nano_flow: 1\n{text}")
    said("validate", name, code=3)
    assert code in said.out and expected in said.out


def test_a_price_of_the_shipped_list_is_not_changed_in_the_file_that_adds_to_it(said: Said) -> None:
    Path("pricing.yaml").write_text("nano_flow: 1\nextends: shipped\nmodels: {}\n")
    listed = said.json("prices", "list", "openai/gpt-5-nano")
    assert "openai/gpt-5-nano" in str(listed)
