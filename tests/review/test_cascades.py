"""A cascade learns from labelled replies: what is written is loaded, decides, and is refused where it is no better."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from nano_flow.cli.main import run_command
from nano_flow.documents.load import load_routing
from nano_flow.project.policies import compiled
from nano_flow.routing.labels.outcomes import Outcome
from nano_flow.routing.reading import read_text
from nano_flow.routing.replies.facts import reply_facts
from tests.review.shipped import shipped_policies

pytestmark = pytest.mark.usefixtures("library")
ROUTING = """
nano_flow: 1
tiers: {simple: {below: 3, models: [sim/small]}, standard: {models: [sim/medium]}}
cascade:
  tiers: [simple, standard]
  signals:
    - {name: hedging, match: ["not sure"], points: 3}
    - {name: short, feature: reply_words, curve: [[3, 1], [9, 0]]}
  escalate_at: 4
"""


def outcomes(count: int, *, telling: bool) -> list[Outcome]:
    """Replies that name a river are wrong, whatever the prompt; or (not ``telling``) any of them."""
    draw = random.Random(5)
    rows = []
    for place in range(count):
        topic = draw.choice(("river", "lake", "sea", "pond"))
        reply = f"It is the {topic} of the {draw.choice(('north', 'south', 'east'))}, " + "so " * draw.randrange(4)
        wrong = topic == "river" if telling else draw.random() < 0.4
        rows.append(Outcome(f"Which water is number {place}?", "cheap", float(not wrong), "", reply + "it says."))
        rows.append(Outcome(f"Which water is number {place}?", "dear", float(draw.random() < 0.95)))
    return rows


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routing.yaml").write_text(ROUTING)
    return tmp_path


def write(folder: Path, rows: list[Outcome]) -> None:
    fields = ("prompt", "model", "right", "reply")
    lines = [json.dumps({name: getattr(row, name) for name in fields}) for row in rows]
    (folder / "data.jsonl").write_text("\n".join(lines) + "\n")


def test_what_is_learned_is_written_loaded_and_decides(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, outcomes(400, telling=True))
    assert run_command(["policy", "train", "--cascade", "data.jsonl", "--write"]) == 0
    out, err = capsys.readouterr()
    assert "replies of cheap, given up for dear: 400 labelled prompts" in out and "better by +" in out
    assert "held out at random" in out and "worst group" not in out
    assert "cascade: {learned: {file: cascade.learned.yaml, weight: 1}, escalate_at: " in err
    assert 6.5 < float(err.rpartition("escalate_at: ")[2].partition("}")[0]) < 10  # about a quarter is wrong
    text = (project / "cascade.learned.yaml").read_text()
    assert "read by `cascade.learned`" in text and 'strong: "dear"' in text
    learned = ROUTING.replace("escalate_at: 4", "escalate_at: 7\n  learned: {file: cascade.learned.yaml}")
    cascade = compiled(load_routing(learned, "routing.yaml"), str(project)).cascade
    assert cascade is not None and cascade.learned_weight == 1.0
    for reply, given_up in (
        ("It is the river of the east, it says.", True),
        ("It is the sea of the east, it says.", False),
    ):
        prompt = "Which water is number 9?"
        judgement = cascade.judge(reply_facts(reply, prompt), read_text(reply), read_text(prompt))
        assert judgement.escalate is given_up and judgement.because[-1].signal == "learned"
        assert judgement.because[-1].at.startswith("routing.yaml:")


def test_figures_and_thresholds_for_machines(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, [row for row in outcomes(300, telling=True) if row.model == "cheap"])
    assert run_command(["policy", "train", "--cascade", "data.jsonl", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["weak"], found["strong"], found["cascade"], found["convinces"]) == ("cheap", "", True, True)
    assert found["held_out"]["learned"]["apgr"] > found["held_out"]["declared"]["apgr"]
    half, most = found["escalate_at"]
    assert (half["recovers"], most["recovers"]) == (0.5, 0.8) and half["escalate_at"] > most["escalate_at"]
    # Each point of the scale is a tenth of the replies, so a threshold says how many are given up.
    assert most["strong_share"] == pytest.approx(1 - most["escalate_at"] / 10, abs=0.03)


def test_chance_is_not_written(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, outcomes(120, telling=False))
    assert run_command(["policy", "train", "--cascade", "data.jsonl", "--write"]) == 1
    assert "does not beat the declared signals by more than chance" in capsys.readouterr().err
    assert not (project / "cascade.learned.yaml").exists()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([Outcome("p", "cheap", 1.0)], 'no row has a "reply"'),
        ([Outcome("p", "cheap", 1.0, "", "4")], "no reply is wrong: there is nothing to learn"),
        (
            [Outcome("p", "cheap", 0.0, "", "4"), Outcome("p", "dear", 0.0), Outcome("q", "dear", 1.0)],
            '"dear" is not right more often than "cheap"',
        ),
    ],
)
def test_what_cannot_be_learned_from(
    project: Path, capsys: pytest.CaptureFixture[str], rows: list[Outcome], said: str
) -> None:
    write(project, rows)
    assert run_command(["policy", "train", "--cascade", "data.jsonl"]) == 2
    assert said in capsys.readouterr().err


def test_without_a_declared_cascade_there_is_nothing_to_beat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, outcomes(3, telling=True))
    assert run_command(["policy", "train", "--cascade", "data.jsonl"]) == 2
    assert 'routing.yaml has no "cascade"' in capsys.readouterr().err
    assert shipped_policies().routing.cascade is None


def test_validate_says_which_learned_file_is_missing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = ROUTING.replace("escalate_at: 4", "escalate_at: 4\n  learned: {file: gone.yaml}")
    (project / "routing.yaml").write_text(text)
    assert run_command(["validate", "routing.yaml"]) == 3
    said = capsys.readouterr().out
    assert 'NF515  "gone.yaml" cannot be used: No such file' in said and "policy train --cascade FILES --write" in said
