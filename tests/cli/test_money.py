"""``plan``, ``prices`` and ``cache`` as typed: what they print, what they refuse, what they leave alone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nano_flow.caches.sqlite import SqliteCache
from nano_flow.core.messages import ChatReply, ToolCall, Usage
from nano_flow.core.money import Money, money
from tests.cli.said import Said

WORKFLOW = """
nano_flow: 1
name: notes
inputs: {topic: {type: string}}
limits: {budget: {usd: 0.05}}
steps:
  draft: {prompt: "Three facts about {{ inputs.topic }}, one a line."}
  check:
    for_each: ["true", "dated", "short"]
    prompt: "Is this {{ item }}? {{ steps.draft.output }}"
    max_output_tokens: 50
  store: {run: [echo, done]}
outputs: {facts: "{{ steps.draft.output }}"}
"""


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NANO_FLOW_STATE", raising=False)
    (tmp_path / "w.yaml").write_text(WORKFLOW)
    return Said(capsys)


def test_plan_is_one_json_document_with_the_fields_of_the_contract(said: Said) -> None:
    plan = said.json("plan", "w.yaml", "--offline", "-i", "topic=bees")
    assert list(plan)[:7] == ["schema", "workflow", "digest", "valid", "steps", "cost_usd", "budget_usd"]
    assert (plan["schema"], plan["workflow"], plan["valid"]) == ("nano-flow/plan@1", "notes", True)
    assert (plan["budget_usd"], plan["fits_budget"]) == ("0.05", False)
    draft, check, store = plan["steps"]
    assert (check["id"], check["kind"], check["needs"], check["times"]) == ("check", "prompt", ["draft"], [3, 3.0, 3])
    assert draft["route"]["model"] == "sim/small" and draft["route"]["candidates"][0] == "sim/small"
    assert set(draft["route"]) >= {"policy", "score", "tier", "because", "refused"}
    assert all(low <= likely <= high for low, likely, high in draft["tokens"].values())
    costs = {name: money(amount) for name, amount in draft["cost_usd"].items()}
    assert 0 < costs["low"] <= costs["likely"] <= costs["high"]
    assert store["route"] is None and store["cost_usd"] == {"low": "0", "likely": "0", "high": "0"}


def test_plan_says_what_is_in_force_and_starts_nothing(said: Said, tmp_path: Path) -> None:
    before, imported = sorted(tmp_path.iterdir()), "litellm" in sys.modules
    text = said("plan", "w.yaml", "--offline", "-i", "topic=bees")
    assert "pricing.yaml (shipped)" in text and "no earlier run is known" in text
    assert [line.split()[0] for line in text.splitlines()[:5]] == ["step", "draft", "check", "store", "total"]
    assert sorted(tmp_path.iterdir()) == before
    assert imported or "litellm" not in sys.modules


def test_plan_says_when_the_workflow_starts_by_itself(said: Said, tmp_path: Path) -> None:
    assert said.json("plan", "w.yaml", "--offline")["schedules"] == []
    (tmp_path / "other.yaml").write_text(WORKFLOW)
    (tmp_path / "service.yaml").write_text(
        "nano_flow: 1\nworkflows:\n"
        '  yearly: {file: w.yaml, inputs: {topic: a}, schedule: {cron: "30 3 1 1 *", timezone: Asia/Tokyo}}\n'
        '  hourly: {file: ./w.yaml, inputs: {topic: a}, schedule: {cron: "0 * * * *"}}\n'
        '  another: {file: other.yaml, inputs: {topic: a}, schedule: {cron: "0 * * * *"}}\n'
        "  asked: {file: w.yaml}\n"
    )
    schedules = {one["name"]: one for one in said.json("plan", "w.yaml", "--offline")["schedules"]}
    assert set(schedules) == {"hourly", "yearly"}
    assert (schedules["hourly"]["cron"], schedules["hourly"]["timezone"]) == ("0 * * * *", "UTC")
    assert schedules["yearly"]["timezone"] == "Asia/Tokyo" and "-12-31T18:30:00" in schedules["yearly"]["next_due"]
    text = " ".join(said("plan", "w.yaml", "--offline").split())
    assert 'starts it as "yearly" by itself, next: ' in text and "-01-01 03:30 (Asia/Tokyo)" in text


def test_plan_answers_whether_a_budget_holds(said: Said) -> None:
    words = ("plan", "w.yaml", "--offline", "-i", "topic=bees", "--budget")
    assert "No run can exceed the budget" in said(*words, "1000")
    assert "It likely fits" in said(*words, "0.05")
    assert "likely does not fit" in said(*words, "0.0000001")


def test_a_cache_that_cannot_be_used_is_told_once_and_ends_no_run(said: Said, tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(WORKFLOW.replace("max_output_tokens: 50", "cache: true"))
    (tmp_path / ".nano-flow").mkdir()
    (tmp_path / ".nano-flow" / "cache.db").write_text("this is no database, whatever its name says" * 40)
    said("run", "w.yaml", "--offline", "-i", "topic=bees")
    assert said.err.count("no reply is cached") == 1
    assert "cache.db" in said.err


@pytest.mark.parametrize("columns", ["40", "60", "79"])
def test_plan_fits_a_narrow_terminal(said: Said, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    lines = said("plan", "w.yaml", "--offline", "-i", "topic=bees").splitlines()
    assert max(map(len, lines)) <= int(columns)
    assert lines[0].split()[0] == "step" and lines[0].split()[-2:] == ["likely", "high"]
    assert any(line.startswith("draft") for line in lines)


def test_plan_takes_inputs_as_far_as_they_are_given(said: Said) -> None:
    assert said.json("plan", "w.yaml", "--offline")["steps"][0]["times"] == [1, 1.0, 1]
    said("plan", "w.yaml", "-i", "tropic=bees", code=2)
    assert 'did you mean "topic"?' in said.err
    said("plan", "w.yaml", "-i", "topic=@missing.txt", code=2)


def test_plan_refuses_what_run_refuses(said: Said, tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(WORKFLOW.replace('prompt: "Three', 'promt: "Three'))
    said("plan", "w.yaml", code=3)
    assert 'did you mean "prompt"?' in said.err


def test_without_keys_the_plan_says_that_a_run_would_fail(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    text = said("plan", "w.yaml", "--model", "openai/gpt-5-mini", "--no-fallback", "-i", "topic=bees")
    assert "openai/gpt-5-mini" in text and "no credentials for openai" in text and "--offline" in text


def test_what_stands_in_the_way_of_a_run_is_said(said: Said, tmp_path: Path) -> None:
    steps = "  a: {prompt: x, model: ollama/new}\n  b: {prompt: y, model: huggingface/some/model, fallback: false}\n"
    (tmp_path / "w.yaml").write_text(f"nano_flow: 1\nname: w\nsteps:\n{steps}")
    text = said("plan", "w.yaml")
    assert "There is no budget" in text and "huggingface/some/model has no price" in text
    text = said("plan", "w.yaml", "--provider", "cohere", "--no-fallback")
    assert 'no model can serve "a"' in text and "none can serve it" in text
    (tmp_path / "w.yaml").write_text(WORKFLOW)
    assert "a run would stop there" in said("plan", "w.yaml", "--offline", "--budget", "0.0000001")


def test_the_likely_figure_follows_runs_and_no_run_exceeds_the_high_one(said: Said) -> None:
    plan = said.json("plan", "w.yaml", "--offline", "-i", "topic=bees")
    low, high = money(plan["cost_usd"]["low"]), money(plan["cost_usd"]["high"])
    costs = []
    for _ in range(3):
        run = said.json("run", "w.yaml", "--offline", "-i", "topic=bees")
        costs.append(money(run["cost"]["simulated_usd"]))
        assert low <= costs[-1] <= high
    likely = money(said.json("plan", "w.yaml", "--offline", "-i", "topic=bees")["cost_usd"]["likely"])
    assert abs(likely - sum(costs) / 3) <= 0.25 * sum(costs) / 3
    assert "follow 3 earlier runs" in said("plan", "w.yaml", "--offline")


def test_plan_knows_what_the_cache_answers(said: Said, tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(
        """
nano_flow: 1
name: kept
inputs: {topic: {type: string}}
steps:
  a: {prompt: "About {{ inputs.topic }}.", system: Be brief., cache: true}
  b: {prompt: "And {{ steps.a.output }}", cache: true}
  c: {prompt: "Not kept: {{ inputs.topic }}"}
"""
    )
    words = ("w.yaml", "--offline", "-i", "topic=bees")
    assert [step["cached"] for step in said.json("plan", *words)["steps"]] == [False] * 3
    said("run", *words, "-q")
    assert [step["cached"] for step in said.json("plan", *words)["steps"]] == [True, False, False]
    assert '"a" is answered by the cache' in said("plan", *words)
    assert said.json("run", *words)["cost"]["saved_usd"] != "0"
    assert not said.json("plan", *words[:-1], "topic=wasps")["steps"][0]["cached"]
    assert not said.json("plan", "w.yaml", "--offline")["steps"][0]["cached"]


def test_a_run_is_compared_with_those_before_it(said: Said) -> None:
    for topic in ("bees", "bees", "the long history of beekeeping in the monasteries of the Alps"):
        said("run", "w.yaml", "--offline", "-i", f"topic={topic}", "-q")
    said("runs", "show", "last")
    assert "expected by the 2 runs before: $" in said.err and "% below what it cost" in said.err
    before = said.json("runs", "list")["runs"]
    said("runs", "show", before[1]["run_id"])
    assert "expected by the run before: $" in said.err and "as it came" in said.err
    said("runs", "show", before[2]["run_id"])
    assert "expected" not in said.err


def test_prices_are_listed_by_name_and_day(said: Said) -> None:
    table = said.json("prices", "list", "gpt-5-mini", "--at", "2025-09-01")
    (found,) = table["models"]
    assert (found["model"], found["from"], found["prices"]["output"]) == ("openai/gpt-5-mini", "2025-08-07", "1.2")
    assert len(said.json("prices", "list", "openai/gpt-5-mini", "--all")["models"]) == 2
    text = said("prices", "list")
    assert "free" in text and "unpriced" in text and "above 200,000: 2.5/15" in text
    said("prices", "list", "nobody", code=2)
    said("prices", "list", "--at", "yesterday", code=2)


def test_prices_check_compares_and_may_fail(said: Said, tmp_path: Path) -> None:
    assert "LiteLLM" in said("prices", "check")
    (tmp_path / "pricing.yaml").write_text(
        "nano_flow: 1\nmodels:\n  openai/gpt-4o:\n    - {from: 2025-01-01, input: 9, output: 9}\n"
    )
    found = said.json("prices", "check", "--exit-code", code=7)
    (model,) = found["sources"][0]["models"]
    assert {"kind": "input", "above": None, "ours": "9.00", "theirs": "2.50"} in model["differences"]
    assert "openai/gpt-4o" in said("prices", "check")


def test_prices_update_writes_only_when_told(said: Said, tmp_path: Path) -> None:
    path = tmp_path / "pricing.yaml"
    path.write_text("nano_flow: 1\nmodels:\n  openai/gpt-4o:\n    - {from: 2025-01-01, input: 9, output: 9}  # old\n")
    before = path.read_text()
    diff = said("prices", "update", "--from", "2026-11-01")
    assert "+    - {from: 2026-11-01, input: 2.50," in diff and path.read_text() == before
    assert "--write" in said.err
    assert said("prices", "update", "openai/gpt-4o", "--from", "2026-11-01", "--write") == diff
    assert path.read_text().startswith(before)
    assert said("prices", "update", "--from", "2026-11-02") == ""
    assert "nothing to change" in said.err


@pytest.mark.parametrize(
    "before",
    [
        None,
        "nano_flow: 1\nextends: shipped\nmodels: {}\n  # openai/gpt-6: later\n",
        "nano_flow: 1\nmodels:\n  # ours\n  sim/small: free  # of course\n",
        "nano_flow: 1\nextends: shipped\n",
    ],
)
def test_prices_update_gives_a_model_its_first_price(said: Said, tmp_path: Path, before: str | None) -> None:
    path = tmp_path / "pricing.yaml"
    if before is not None:
        path.write_text(before)
    words = ("prices", "update", "--add", "openai/gpt-5.6-luna", "--from", "2026-11-01")
    diff = said(*words)
    assert "+  openai/gpt-5.6-luna:" in diff and (path.read_text() if path.exists() else None) == before
    said(*words, "--write")
    (found,) = said.json("prices", "list", "gpt-5.6-luna")["models"]
    assert (found["from"], found["prices"]["input"]) == ("2026-11-01", "0.2")
    kept = [line for line in (before or "").splitlines() if "models" not in line]
    assert [line for line in path.read_text().splitlines() if line in kept] == kept
    assert "has a price already" in (said(*words), said.err)[1]


def test_prices_update_adds_nothing_that_nobody_knows(said: Said, tmp_path: Path) -> None:
    said("prices", "update", "--add", "house/model", code=2)
    assert "write it under models: of pricing.yaml" in said.err
    said("prices", "update", "--add", "gpt-5", code=2)
    (tmp_path / "pricing.yaml").write_text("nano_flow: 1\nmodels: {sim/small: free}\n")
    said("prices", "update", "--add", "openai/gpt-5.6-luna", code=2)
    assert "written in braces" in said.err


def test_prices_check_tells_of_the_wrong_unit_and_of_models_that_retire(said: Said, tmp_path: Path) -> None:
    (tmp_path / "pricing.yaml").write_text(
        "nano_flow: 1\nmodels:\n  openai/gpt-4o:\n    - {from: 2025-01-01, input: 0.0000025, output: 0.00001}\n"
    )
    (tmp_path / "providers.yaml").write_text(
        "nano_flow: 1\nproviders: {openai: {litellm: openai, models: {gpt-4o: {retires: 2020-01-01}}}}\n"
    )
    assert "retired, or within 60 days: openai/gpt-4o (2020-01-01)" in said("prices", "check", "--exit-code", code=7)
    assert "pricing.yaml:4:33" in said.err and "did you mean per_tokens: 1?" in said.err
    found = said.json("prices", "check")
    assert [(w["code"], w["line"]) for w in found["warnings"]] == [("NF525", 4), ("NF525", 4)]
    assert found["retiring"][0]["model"] == "openai/gpt-4o"


def kept(folder: Path) -> SqliteCache:
    cache = SqliteCache(folder / ".nano-flow" / "cache.db")
    call = ToolCall("1", "read", "{}")
    cache.put(
        "abc1", ChatReply("hello \x1b[2J", "stop", Usage(1, output_tokens=1), model="m1"), Money(500), 100.0, None
    )
    cache.put("abd2", ChatReply("", "tool_calls", Usage(1), (call,), model="m2"), Money(700), 200.0, 1.0)
    cache.get("abc1", 150.0)
    return cache


def test_the_cache_is_counted_shown_and_cleared(said: Said, tmp_path: Path) -> None:
    kept(tmp_path).close()
    stats = said.json("cache", "stats")
    assert (stats["replies"], stats["expired"], stats["hits"], stats["saved_usd"]) == (2, 1, 1, "0.0000005")
    assert [r["key"] for r in said.json("cache", "show")["replies"]] == ["abd2", "abc1"]
    assert "abc1" in said("cache", "show", "--limit", "5")
    assert said("cache", "show", "abc") == "hello \\x1b[2J\n"
    assert said("cache", "show", "abd") == "read({})\n"
    assert said.json("cache", "show", "abc")["reply"]["text"] == "hello \x1b[2J"
    said("cache", "show", "ab", code=2)
    said("cache", "show", "zz", code=2)
    said("cache", "clear", "--expired", "--older-than", "1", code=2)
    assert said("cache", "clear", "--expired") == "1 reply removed\n"
    assert said.json("cache", "clear", "--older-than", "1")["removed"] == 1
    assert said("cache", "clear") == "0 replies removed\n"


def test_looking_at_a_cache_that_never_was_makes_none(said: Said, tmp_path: Path) -> None:
    assert said.json("cache", "stats")["replies"] == 0
    assert said("cache", "show") == "" and "nothing is kept" in said.err
    assert said("cache", "clear") == "0 replies removed\n"
    assert not (tmp_path / ".nano-flow").exists()


def test_a_plan_is_a_gate_and_says_what_a_run_spends_at_most(said: Said) -> None:
    words = ("plan", "w.yaml", "--offline", "--budget")
    said(*words, "0.0000001", "--exit-code", code=5)
    said(*words, "0.0000001")
    assert "a run spends at most $0.0000001; without a budget it could be" in " ".join(said.out.split())
    said(*words, "0.05", "--exit-code")
    found = [said.json(*words, budget) for budget in ("1000", "0.05", "0.0000001")]
    assert [plan["fits"] for plan in found] == ["always", "likely", "no"]
    assert found[1]["at_most_usd"] == "0.05" and money(found[0]["at_most_usd"]) == money(found[0]["cost_usd"]["high"])
    assert found[0]["critical_path"]["steps"] == ["draft", "check"]
    assert "what takes longest: draft → check" in said(*words, "0.05")
