"""Training beats signals where there is something to learn, refuses where there is not, and writes what it reads."""

from __future__ import annotations

import json
import random
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nano_flow.cli.main import run_command
from nano_flow.core.errors import UsageError
from nano_flow.review.fitting import tree_of
from nano_flow.review.learned_text import learned_text
from nano_flow.review.learning import learn, word_groups
from nano_flow.review.training import measure, prepare, splits
from nano_flow.routing.facts import gather
from nano_flow.routing.labels.outcomes import Outcome
from nano_flow.routing.learned import LearnedScore, read_learned
from nano_flow.routing.reading import read_text
from tests.review.shipped import shipped_policies

pytestmark = pytest.mark.usefixtures("library")
TOPICS = ("chalk", "tea", "voting", "rivers", "soil", "chess")


def outcomes(count: int, *, telling: bool) -> list[Outcome]:
    """Prompts of which those on chess need the strong model, or (not ``telling``) any of them."""
    draw = random.Random(3)
    rows = []
    for place in range(count):
        topic = draw.choice(TOPICS)
        prompt = f"Say what you know of {topic}, {draw.choice(TOPICS[:4])} and {place}" + "?" * draw.randrange(3)
        hard = topic == "chess" if telling else draw.random() < 0.3
        rows.append(Outcome(prompt, "small", 0.0 if hard else 1.0, f"g{place % 7}"))
        rows.append(Outcome(prompt, "large", 1.0 if draw.random() < 0.95 else 0.0, f"g{place % 7}"))
    return rows


@pytest.fixture(scope="module")
def learning(library: None):  # type: ignore[no-untyped-def]
    return learn(outcomes(700, telling=True), shipped_policies(), None, None)


def test_what_can_be_learned_is_learned_and_convinces(learning) -> None:  # type: ignore[no-untyped-def]
    held = learning.trained.held_out
    assert (learning.pair.weak, learning.pair.strong) == ("small", "large")
    assert held.grouped and held.groups == 7 and held.rows == 700
    assert held.convinces and held.learned.apgr > held.declared.apgr + 0.1
    assert 0 < held.learned.cpt50 < held.learned.cpt80 < 1
    assert held.worst[0].startswith("g")
    assert [threshold.target for threshold in held.thresholds] == [0.5, 0.8]


def test_what_is_written_is_read_and_scores_the_same(learning) -> None:  # type: ignore[no-untyped-def]
    text = learned_text(learning)
    again, score = read_learned(text), learning.trained.score
    for prompt in ("Say what you know of chess, tea and 4?", "Hello", "", "设计系统"):
        reading = read_text(prompt)
        facts = gather(reading)
        assert again.score(facts, reading, 3.0) == pytest.approx(score.score(facts, reading, 3.0), abs=1e-6)
        assert 0 <= again.score(facts, reading, 3.0) <= 10
    assert 'digest: "sha256:' in text and "held_out:" in text
    assert len(text) < 60_000


def test_trees_give_what_scikit_learn_predicts() -> None:
    ensemble = pytest.importorskip("sklearn.ensemble", reason="training is an extra: pip install 'nano-flow[train]'")
    draw = random.Random(1)
    prompts = ["word " * draw.randrange(1, 40) + "," * draw.randrange(9) for _ in range(300)]
    readings = [read_text(prompt) for prompt in prompts]
    names = ("prompt_words", "commas")
    values = [[float(r.word_count), float(gather(r).prompt.commas)] for r in readings]
    wanted = [v[0] / 10 + (v[1] > 4) for v in values]
    model = ensemble.HistGradientBoostingRegressor(max_iter=12, max_leaf_nodes=6).fit(values, wanted)
    trees = tuple(tree_of(stage[0].nodes) for stage in model._predictors)
    ours = LearnedScore(names, {}, float(model._baseline_prediction.ravel()[0]), 0.0, {}, trees, ((0.0, 1.0),))
    for reading, predicted in zip(readings, model.predict(values), strict=True):
        assert ours.raw(gather(reading), reading, 0.0) == pytest.approx(predicted, abs=1e-9)


def test_without_the_library_training_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(UsageError, match=r"training needs scikit-learn: pip install 'nano-flow\[train\]'"):
        learn(outcomes(10, telling=True), shipped_policies(), None, None)


def test_the_nodes_of_a_tree_keep_their_sides() -> None:
    def leaf(value: float) -> dict[str, float]:
        return {"is_leaf": 1, "value": value}

    def cut(feature: int, threshold: float, left: int, right: int) -> dict[str, float]:
        return {"is_leaf": 0, "feature_idx": feature, "num_threshold": threshold, "left": left, "right": right}

    nodes = [cut(2, 0.5, 1, 4), cut(0, 7.0, 2, 3), leaf(-1.0), leaf(0.25), leaf(1.0)]
    assert tree_of(nodes) == (2, 0.5, (0, 7.0, -1.0, 0.25), 1.0)


def test_chance_does_not_convince() -> None:
    policies = shipped_policies()
    found = learn(outcomes(300, telling=False), policies, "small", "large")
    assert not found.trained.held_out.convinces


def test_splits_keep_groups_together_and_cover_everything() -> None:
    policies = shipped_policies()
    pair = learn(outcomes(60, telling=True), policies, None, None).pair
    rows = prepare(pair.examples, lambda facts, reading: 0.0)
    seen = []
    for inside, outside in splits(rows, 5, grouped=True):
        assert not {rows[place].group for place in inside} & {rows[place].group for place in outside}
        seen += outside
    assert sorted(seen) == list(range(len(rows)))
    alone = [replace(row, group="") for row in rows]
    assert not measure(alone, word_groups(policies)).grouped


def lines(rows: list[Outcome]) -> str:
    return "".join(
        json.dumps({"prompt": r.prompt, "model": r.model, "right": r.right, "group": r.group}) + "\n" for r in rows
    )


def test_train_writes_beside_the_routing_document_only_what_convinces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data.jsonl").write_text(lines(outcomes(500, telling=True)))
    assert run_command(["policy", "train", "data.jsonl"]) == 0
    out, err = capsys.readouterr()
    assert "better by +" in out and "nothing is written yet" in err and not Path("complexity.learned.yaml").exists()
    assert run_command(["policy", "train", "data.jsonl", "--write", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "nano-flow/policy-train@1" and found["written"] == "complexity.learned.yaml"
    Path("routing.yaml").write_text(
        "nano_flow: 1\ncomplexity: {learned: {file: complexity.learned.yaml}}\ntiers: {only: {models: [sim/small]}}\n"
    )
    assert run_command(["policy", "explain", "Say what you know of chess", "--json"]) == 0
    learned = json.loads(capsys.readouterr().out)["because"][-1]
    assert learned["signal"] == "learned" and 0 < len(learned["found"]) <= 5
    assert any("chess" in saw or "prompt_" in saw or " " in saw for saw in learned["found"])
    assert run_command(["policy", "train", "data.jsonl", "--write", "--out", "no/such/folder.yaml"]) == 2
    assert '"no/such/folder.yaml" cannot be written' in capsys.readouterr().err


def test_train_refuses_what_is_no_better_than_the_declared_signals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data.jsonl").write_text(lines(outcomes(120, telling=False)))
    assert run_command(["policy", "train", "data.jsonl", "--write"]) == 1
    assert "does not beat the declared signals by more than chance" in capsys.readouterr().err
    assert not Path("complexity.learned.yaml").exists()
    Path("data.jsonl").write_text('{"prompt": "a", "model": "x", "right": 1}\n')
    assert run_command(["policy", "train", "data.jsonl"]) == 2
    assert "two models are needed" in capsys.readouterr().err
    Path("data.jsonl").write_text("".join(lines([Outcome("a", m, 1.0)]) for m in ("x", "y")))
    assert run_command(["policy", "train", "data.jsonl"]) == 2
    assert "there is nothing to learn" in capsys.readouterr().err


def test_sources_are_left_out_and_the_advised_weight_is_the_one_that_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = outcomes(600, telling=True)
    Path("one.jsonl").write_text(lines(rows[:600]))
    Path("two.jsonl").write_text(lines(rows[600:]))
    Path("routing.test.yaml").write_text(
        "nano_flow: 1\ncases: {a: {prompt: Say what you know of tea, expect: {score: {at_most: 10}}}}\n"
    )
    assert run_command(["policy", "train", "one.jsonl", "two.jsonl", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(each["source"], each["prompts"]) for each in found["unseen"]] == [("one.jsonl", 300), ("two.jsonl", 300)]
    assert all(each["better_by"] > 0 for each in found["unseen"]) and found["objection"] is None
    assert (
        found["weight"] in (0.2, 0.4, 0.6, 0.8, 1.0)
        and found["at_weight"]["apgr"] > found["held_out"]["declared"]["apgr"]
    )
    assert found["tests"] == {"cases": 1, "passed": 1} and found["diff"]["requests"] == 1
    assert run_command(["policy", "train", "one.jsonl", "two.jsonl", "--write"]) == 0
    out, err = capsys.readouterr()
    assert f"advised weight {found['weight']:g}: APGR" in out and "one.jsonl" in out and "1 of 1 cases" in out
    assert f"weight: {found['weight']:g}" in err


def test_a_score_that_breaks_a_policy_test_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data.jsonl").write_text(lines(outcomes(500, telling=True)))
    shipped = shipped_policies()
    prompt = "Say what you know of chess, tea and 7"
    reading = read_text(prompt)
    score = shipped.routing.scorer.score(gather(reading), reading)[0]
    Path("routing.test.yaml").write_text(
        f"nano_flow: 1\ncases: {{a: {{prompt: '{prompt}', expect: {{score: {{at_most: {score + 0.01:.2f}}}}}}}}}\n"
    )
    assert run_command(["policy", "test"]) == 0
    assert run_command(["policy", "train", "data.jsonl", "--write"]) == 1
    said = capsys.readouterr().err
    assert "fails that does not without it: routing.test.yaml: a" in said and "nothing is written" in said
    assert not Path("complexity.learned.yaml").exists()


def test_sources_that_contradict_each_other_are_refused() -> None:
    draw = random.Random(5)
    rows = []
    for place in range(300):
        for source, hard_mark in (("one", "?"), ("two", ".")):
            mark = draw.choice("?.")
            prompt = f"Say {source} of {draw.choice(TOPICS)} and {place}{mark}"
            hard = mark == hard_mark
            rows.append(Outcome(prompt, "small", 0.0 if hard else 1.0, source=source))
            rows.append(Outcome(prompt, "large", 1.0, source=source))
    advised = learn(rows, shipped_policies(), None, None).advised
    assert advised is not None and advised.sources == 2 and advised.mean_unseen is not None
    assert advised.mean_unseen < 0 and not advised.convinces
