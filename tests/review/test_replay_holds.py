"""What a replay says of a policy against what the policy then does: intervals hold the true share and stay narrow.

The short form records in memory. With ``NANO_FLOW_ROUTING_DATA`` (a folder of outcome sets, see
``bench/routing/data.py``) 20 draws of 800 known prompts are recorded in memory under three policies, and with
``NANO_FLOW_LONG=1`` by runs against a server that answers as recorded.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import permutations
from pathlib import Path
from statistics import fmean
from threading import Thread
from typing import Any

import pytest

from nano_flow.cli.main import run_command
from nano_flow.core.events import Event
from nano_flow.project.policies import Policies
from nano_flow.review.labelled.held import Known
from nano_flow.review.ladders.known import held_of
from nano_flow.review.ladders.quality import told_by_labels
from nano_flow.routing.facts import FEATURES, prompt_facts
from nano_flow.routing.reading import read_text
from nano_flow.routing.signals import CurveSignal, Scorer
from tests.review.shipped import shipped_policies
from tests.review.test_ladders import NOW, STRONG, WEAK, Asked, known, strong_first, told, weak_first

LONG, DATA = os.environ.get("NANO_FLOW_LONG"), os.environ.get("NANO_FLOW_ROUTING_DATA", "")
DRAWS, PROMPTS = 20, 800
Outcomes = Mapping[str, tuple[bool, bool]]
"""Prompt → whether the weak and the strong model are right."""


def ladder(outcome: tuple[bool, bool], *, weak_first: bool) -> Asked:
    """What is asked and said of one prompt, where a failure goes to the strong model."""
    weak, strong = outcome
    if not weak_first:
        return ((STRONG, True),) if strong else ((STRONG, False), (STRONG, False))
    return ((WEAK, True),) if weak else ((WEAK, False), (STRONG, strong))


def drawn(seed: int, count: int) -> Outcomes:
    draw = random.Random(seed)
    return {f"Say {seed} {n}": (draw.random() < 0.6, draw.random() < 0.85) for n in range(count)}


@pytest.mark.parametrize("recorded", [True, False], ids=["weak first", "strong first"])
def test_intervals_hold_what_the_other_policy_then_does(recorded: bool) -> None:
    policies: dict[bool, Policies] = {True: weak_first(shipped_policies()), False: strong_first(shipped_policies())}
    held_by_all = held_by_known = 0
    for seed in range(4):
        outcomes = drawn(seed, 150)
        events = [
            event
            for n, (prompt, outcome) in enumerate(outcomes.items())
            for event in told(f"s[{n}]", prompt, ladder(outcome, weak_first=recorded))
        ]
        found = told_by_labels(held_of(known(events)), [], policies[not recorded], 0.0)
        assert found is not None
        truth = [float(ladder(outcome, weak_first=not recorded)[-1][1] or 0) for outcome in outcomes.values()]
        low, high = found.compared.bounds
        held_by_all += low <= sum(truth) / len(truth) <= high
        held_by_known += found.compared.known.low <= found.compared.known.right <= found.compared.known.high
        assert found.compared.all_fail <= sum(truth) / len(truth) <= found.compared.all_pass
    assert held_by_all == held_by_known == 4


class AsRecorded(BaseHTTPRequestHandler):
    """Answers each model's prompt as it did; ``outcomes`` are set for the class."""

    protocol_version = "HTTP/1.1"
    outcomes: Outcomes

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = next(message["content"] for message in body["messages"] if message["role"] == "user")
        right = self.outcomes[asked][body["model"] == "strong"]
        choice = {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "yes" if right else "no"},
        }
        usage = {"prompt_tokens": len(asked) // 4, "completion_tokens": 20, "total_tokens": len(asked) // 4 + 20}
        reply = {"id": "x", "object": "chat.completion", "created": 1, "model": body["model"], "choices": [choice]}
        data = json.dumps({**reply, "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def answering(outcomes: Outcomes) -> Iterator[str]:
    handler = type("Handler", (AsRecorded,), {"outcomes": outcomes})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


FLOW = """nano_flow: 1
name: flow
inputs: {items: {type: array}}
limits: {steps: 5000, max_parallel: 16}
steps:
  answer:
    for_each: inputs.items
    max_parallel: 16
    prompt: "{{ item }}"
    verify: [{check: output == 'yes'}]
    repair: {max_attempts: 1, escalate: true}
    on_item_failure: continue
    on_error: continue
outputs: {}
"""
ROUTING = """nano_flow: 1
complexity: {signals: [{name: length, feature: prompt_words, curve: [[0, 0], [100, 10]]}]}
tiers:
  low: {below: BELOW, models: [rec/weak]}
  high: {models: [rec/strong]}
"""
POLICIES = {"weak": 10.5, "strong": 0.01, "by length": 4.5}


def project(url: str, prompts: list[str]) -> None:
    """A project here, whose models are served at ``url``."""
    model = "{context_window: 32k, max_output_tokens: 100}"
    Path("providers.yaml").write_text(
        f"nano_flow: 1\nproviders:\n  rec:\n    litellm: openai\n    credentials: [REC_KEY]\n    base_url: {url}\n"
        f"    models: {{weak: {model}, strong: {model}}}\n"
    )
    Path("pricing.yaml").write_text(
        "nano_flow: 1\nmodels:\n  rec/weak: [{from: 2020-01-01, input: 1, output: 2}]\n"
        "  rec/strong: [{from: 2020-01-01, input: 10, output: 20}]\n"
    )
    Path("flow.yaml").write_text(FLOW)
    Path("items.json").write_text(json.dumps(prompts))
    for name, below in POLICIES.items():
        Path(f"{name}.yaml").write_text(ROUTING.replace("BELOW", str(below)))


def ran(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """All prompts under one policy, in a state of its own."""
    Path("routing.yaml").write_text(Path(f"{name}.yaml").read_text())
    assert run_command(["--state-dir", f"state {name}", "run", "flow.yaml", "-i", "items=@items.json"]) == 0
    capsys.readouterr()


def replayed(state: str, candidate: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert run_command(["--state-dir", f"state {state}", "policy", "replay", f"{candidate}.yaml", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def draw_of(outcomes: Outcomes, seed: int, count: int) -> list[str]:
    return random.Random(seed).sample(sorted(outcomes), count)


def mixed(shipped: Policies) -> Policies:
    """Long prompts begin in the higher tier."""
    policies = weak_first(shipped)
    low, high = policies.routing.tiers
    signal = CurveSignal("length", "", FEATURES["prompt_words"], (0.0, 90.0), (0.0, 9.0))
    routing = replace(policies.routing, tiers=(replace(low, below=4.5), high), scorer=Scorer(0.0, (signal,)))
    return replace(policies, routing=routing)


def in_memory(outcomes: Outcomes, begins_weak: Callable[[str], bool]) -> list[Known]:
    """What a run of all prompts would have recorded."""
    events: list[Event] = []
    for n, (prompt, outcome) in enumerate(outcomes.items()):
        events += told(f"s[{n}]", prompt, ladder(outcome, weak_first=begins_weak(prompt)))
    return known(events)


@pytest.mark.skipif(not DATA, reason="NANO_FLOW_ROUTING_DATA=FOLDER, a folder of outcome sets, runs it")
def test_of_20_draws_of_known_prompts_at_least_18_intervals_hold_whichever_policy_recorded_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shipped = shipped_policies()
    policies = {"weak": weak_first(shipped), "strong": strong_first(shipped), "by length": mixed(shipped)}
    begins: dict[str, Callable[[str], bool]] = {
        "weak": lambda prompt: True,
        "strong": lambda prompt: False,
        "by length": lambda prompt: prompt_facts(read_text(prompt)).prompt_words < 45,
    }
    everything, figures = gsm8k(), Figures()
    for seed in range(DRAWS):
        outcomes = {prompt: everything[prompt] for prompt in draw_of(everything, seed, PROMPTS)}
        recorded = {name: in_memory(outcomes, begins_weak) for name, begins_weak in begins.items()}
        for pair in permutations(policies, 2):
            found = told_by_labels(held_of(recorded[pair[0]]), [], policies[pair[1]], NOW)
            assert found is not None
            ended = {p: ladder(o, weak_first=begins[pair[1]](p))[-1][1] for p, o in outcomes.items()}
            figures.add(pair, sum(bool(right) for right in ended.values()) / PROMPTS, found.compared.as_json())
    figures.tell(capsys)


@dataclass
class Figures:
    """Whether intervals hold the true share, by who recorded and who is judged, and how wide they are."""

    held: dict[tuple[str, str], list[bool]] = field(default_factory=dict)
    widths: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    close: list[bool] = field(default_factory=list)

    def add(self, pair: tuple[str, str], truth: float, quality: Any) -> None:
        """One replay beside what the judged policy does."""
        bounds, on_known = quality["all"], quality["known"]
        assert bounds["all_fail"] - 1e-4 <= truth <= bounds["all_pass"] + 1e-4
        self.held.setdefault(pair, []).append(bounds["low"] <= truth <= bounds["high"])
        self.widths.setdefault(pair, []).append(bounds["high"] - bounds["low"])
        if on_known["prompts"] >= PROMPTS / 2:
            self.close.append(on_known["high"] - on_known["low"] <= 0.1)

    def tell(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Print the figures, and hold them to what is asked."""
        said = [
            f"{pair[0]} → {pair[1]}: {sum(each)} of {len(each)} hold, mean width {fmean(self.widths[pair]):.3f}"
            for pair, each in self.held.items()
        ]
        said.append(f"known intervals on 400 or more prompts: {len(self.close)}, at most .10 wide: {sum(self.close)}")
        with capsys.disabled():
            sys.stdout.write("\n" + "\n".join(said) + "\n")
        assert all(sum(each) >= 0.9 * len(each) for each in self.held.values()) and self.close and all(self.close)


def gsm8k() -> Outcomes:
    """Of the folder of outcome sets."""
    from bench.routing.data import read_sets

    (found,) = (each for each in read_sets(Path(DATA)) if each.name == "GSM8K")
    rows = zip(found.prompts, found.weak, found.strong, strict=True)
    return {prompt: (weak == 1, strong == 1) for prompt, weak, strong in rows}


@pytest.mark.skipif(not (LONG and DATA), reason="long: NANO_FLOW_LONG=1 and NANO_FLOW_ROUTING_DATA=FOLDER run it")
def test_of_20_draws_of_800_recorded_prompts_at_least_18_intervals_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REC_KEY", "for-tests-only")
    outcomes, figures = gsm8k(), Figures()
    with answering(outcomes) as url:
        for seed in range(DRAWS):
            for state in Path().glob("state *"):
                state.rename(tmp_path / f"old {seed} {state.name}")
            project(url, draw_of(outcomes, seed, PROMPTS))
            for name in POLICIES:
                ran(name, capsys)
            truths = {name: replayed(name, name, capsys)["quality"]["known"] for name in POLICIES}
            for pair in permutations(POLICIES, 2):
                assert truths[pair[1]]["prompts"] == PROMPTS
                figures.add(pair, truths[pair[1]]["right"], replayed(*pair, capsys)["quality"])
    figures.tell(capsys)


def test_runs_against_a_server_are_replayed_as_they_would_have_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REC_KEY", "for-tests-only")
    outcomes = {prompt + " word" * (n % 60): outcome for n, (prompt, outcome) in enumerate(drawn(1, 60).items())}
    with answering(outcomes) as url:
        project(url, [*outcomes])
        ran("weak", capsys)
        ran("by length", capsys)
    truth = replayed("by length", "by length", capsys)
    found = replayed("weak", "by length", capsys)
    true_share = truth["quality"]["known"]["right"]
    assert found["quality"]["all"]["all_fail"] <= true_share <= found["quality"]["all"]["all_pass"]
    costs = [float(found["cost_usd"][name]) for name in ("after_low", "after", "after_high")]
    assert costs[0] <= float(truth["cost_usd"]["before"]) <= costs[2] and costs == sorted(costs)
    same = replayed("weak", "weak", capsys)
    assert same["cost_usd"]["before"] == same["cost_usd"]["after"] == same["cost_usd"]["after_high"]
    assert same["models"] == {"before": {"rec/weak": 1.0}, "after": {"rec/weak": 1.0}} and same["kept_texts"] > 60
    back = replayed("by length", "weak", capsys)["quality"]
    truth_back = replayed("weak", "weak", capsys)["quality"]["known"]["right"]
    assert back["all"]["all_fail"] <= truth_back <= back["all"]["all_pass"]
    assert back["all"]["all_pass"] - back["all"]["all_fail"] < 0.2
