"""``nano-flow policy suggest``: the change that saves most and that recorded labels support, or what is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nano_flow.cli.main import run_command
from tests.review.test_replay_holds import answering, project

COUNT = 240


def outcomes(weak_from: int, strong_from: int = 0) -> dict[str, tuple[bool, bool]]:
    """By length: the weak model is right below ``weak_from`` words, the strong one from ``strong_from`` on."""
    prompts = {f"Say {n}" + " word" * (n % 60): 2 + n % 60 for n in range(COUNT)}
    return {prompt: (words < weak_from, words >= strong_from) for prompt, words in prompts.items()}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REC_KEY", "for-tests-only")


def recorded(found: dict[str, tuple[bool, bool]], policies: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """All prompts under each policy, in one state; no failure goes to another tier."""
    with answering(found) as url:
        project(url, [*found])
        flow = Path("flow.yaml")
        flow.write_text(flow.read_text().replace("max_attempts: 1, escalate: true", "max_attempts: 0"))
        for name in policies:
            Path("routing.yaml").write_text(Path(f"{name}.yaml").read_text())
            assert run_command(["run", "flow.yaml", "-i", "items=@items.json"]) == 0
    capsys.readouterr()


def suggested(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    assert run_command(["policy", "suggest", *words, "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_a_threshold_is_raised_as_far_as_the_cheaper_model_is_known_to_be_right(
    capsys: pytest.CaptureFixture[str],
) -> None:
    recorded(outcomes(weak_from=30), ["weak", "strong"], capsys)
    found = suggested(capsys)
    worth = found["worth"]
    assert found["supported"] and worth["difference"]["value"] == 0 and worth["unknown"] == 0
    assert 0 <= worth["loses_at_most"] <= 0.02 and worth["prompts"] < COUNT
    assert float(worth["saved_usd"]["at_least"]) == float(worth["saved_usd"]["likely"]) > 0
    below = float(found["diff"].partition("+  low: {below: ")[2].partition(",")[0])
    assert 2.5 < below <= 3.1
    assert run_command(["policy", "suggest", "--write"]) == 0
    told = capsys.readouterr()
    assert "right answers +0.0% (" in told.out and "saves $" in told.out and "is written" in told.err
    assert f"below: {below:g}," in Path("routing.yaml").read_text()


def test_where_nobody_knows_how_the_other_model_does_nothing_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    recorded(outcomes(weak_from=30), ["strong"], capsys)
    before = Path("routing.yaml").read_text()
    found = suggested(capsys, "--write", code=1)
    assert not found["supported"] and found["diff"] == "" and not found["written"]
    assert "nobody knows how the other model does" in found["why_not"]
    assert Path("routing.yaml").read_text() == before
    assert run_command(["policy", "suggest"]) == 1
    assert "no change is suggested" in capsys.readouterr().err


def test_outcomes_of_files_are_known_too(capsys: pytest.CaptureFixture[str]) -> None:
    told = outcomes(weak_from=62)
    recorded(told, ["strong"], capsys)
    rows = [{"prompt": prompt, "model": "rec/weak", "right": weak} for prompt, (weak, _) in told.items()]
    Path("labels.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = suggested(capsys, "--labels", "labels.jsonl")
    assert found["supported"] and found["worth"]["difference"]["value"] == 0


def test_the_models_of_a_tier_change_places_where_the_cheaper_one_is_as_good(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = outcomes(weak_from=62)
    recorded(told, ["weak", "strong"], capsys)
    one = "nano_flow: 1\ntiers:\n  all:\n    models: [rec/strong, rec/weak]   # the strong one first\n"
    Path("routing.yaml").write_text(one)
    found = suggested(capsys)
    assert "+    models: [rec/weak, rec/strong]   # the strong one first" in found["diff"]
    assert found["worth"]["moved"] == found["worth"]["prompts"]


def test_few_labels_and_small_losses_are_refused_with_how_many_are_missing(capsys: pytest.CaptureFixture[str]) -> None:
    recorded(dict([*outcomes(weak_from=30).items()][:20]), ["weak"], capsys)
    assert run_command(["policy", "suggest"]) == 2
    assert "20 labelled prompts are recorded, at least 90 are needed" in capsys.readouterr().err
    recorded(outcomes(weak_from=30), ["weak", "strong"], capsys)
    found = suggested(capsys, "--loss", "0.001", code=1)
    assert found["missing_prompts"] > COUNT and not found["supported"]
