"""Promises 1 to 6: what is paid, what is set aside for it, and how it is told."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from nano_flow.contracts.samples import finished, intended
from nano_flow.core.errors import LimitReached, ServerFailed, TimedOut
from nano_flow.core.events import CallFinished, CallIntended
from nano_flow.core.messages import ChatReply, ChatRequest, Usage
from nano_flow.core.money import Money
from nano_flow.plan.plan import PlannedBudget
from nano_flow.stores.recorded import recorded_work
from tests.cli.said import Said
from tests.gateway.fakes import A, C, FakeProvider, World, ask, reply

HEAD = "nano_flow: 1\nname: w\n"
PROVIDERS = """nano_flow: 1
providers:
  sim: {adapter: sim, models: {small: {context_window: 32k, max_output_tokens: 4k, can: [tools, json_schema]}}}
"""


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "providers.yaml").write_text(PROVIDERS)
    return Said(capsys)


def write(text: str) -> None:
    Path("w.yaml").write_text(f"{HEAD}{text}\n")


def intents() -> list[str]:
    """The addresses of all calls that were announced, in order."""
    with sqlite3.connect(".nano-flow/state.db") as db:
        return [row[0] for row in db.execute("SELECT address FROM events WHERE kind = 'CallIntended' ORDER BY rowid")]


def test_promise_01_a_recorded_call_is_not_paid_again_by_a_resume_or_a_retry_of_a_later_step(said: Said) -> None:
    write(
        "steps:\n  a: {prompt: hi, model: sim/small}\n  later:\n    needs: [a]\n"
        "    retry: {max_attempts: 3, delay: 1ms}\n    run: [sh, -c, 'test -e ready']"
    )
    said("run", "w.yaml", "-q", code=1)
    assert intents() == ["a"]
    Path("ready").touch()
    said("resume", "-q")
    assert intents() == ["a"]
    said("resume", "--from", "a", "-q")  # a person ordered it, and it is announced
    assert intents() == ["a", "a"] and 'done again: "a"' in said.err and "1 model call is made again" in said.err


def test_promise_02_an_intent_is_kept_before_a_call_goes_out_and_one_without_an_end_counts_as_spent() -> None:
    world = World(candidates=(A,))
    before: list[list[str]] = []
    world.providers["alpha"].before = lambda: before.append(world.names())
    asyncio.run(world.gateway().call(ask()))
    assert before == [["RouteDecided", "CallIntended"]]
    crashed = recorded_work([intended("a"), finished("a"), intended("b")])
    assert [call.address for call in crashed.unknown_calls] == ["b"]
    assert crashed.possibly_spent == intended("b").reserved and crashed.spent == finished("a").cost


@pytest.mark.parametrize("seed", range(12))
def test_promise_03_whatever_servers_bill_the_spend_stays_within_the_budget(seed: int) -> None:
    chance = random.Random(seed)
    world = World(candidates=(A,), budget=PlannedBudget(usd=Money(chance.randrange(200_000, 2_000_000))))

    def answer(request: ChatRequest) -> ChatReply:
        kind = chance.randrange(5)
        if kind == 0:
            raise TimedOut("late", maybe_billed=True)
        if kind == 1:
            raise ServerFailed("broken")
        return reply(usage=Usage(input_tokens=chance.randrange(30), output_tokens=chance.randrange(101)))

    world.providers["alpha"] = FakeProvider([answer])

    async def main() -> None:
        gateway = world.gateway()
        calls = (gateway.call(replace(ask(max_output_tokens=100), address=f"s[{n}]")) for n in range(30))
        await asyncio.gather(*calls, return_exceptions=True)

    asyncio.run(main())
    totals = world.ledger.totals()
    budget = world.budget.usd
    assert budget is not None and 0 < totals.spent + totals.possibly_spent <= budget
    held = {(e.address, e.attempt): e.reserved for e in world.of(CallIntended)}  # type: ignore[attr-defined]
    assert all(e.cost <= held[(e.address, e.attempt)] for e in world.of(CallFinished))  # type: ignore[attr-defined]


def test_promise_04_under_a_budget_a_model_without_a_price_is_no_candidate() -> None:
    world = World(candidates=(C,), budget=PlannedBudget(usd=Money(10**9)))
    with pytest.raises(LimitReached, match="cannot be kept within a budget"):
        asyncio.run(world.gateway().call(ask()))
    assert world.providers["gamma"].seen == [] and world.of(CallIntended) == []


def test_promise_05_money_is_exact_and_the_total_is_the_sum_of_the_rows(said: Said) -> None:
    Path("pricing.yaml").write_text(
        "nano_flow: 1\nmodels: {sim/small: [{from: 2020-01-01, input: 0.1, output: 0.7}]}\n"
    )
    write("steps: {a: {for_each: range(7), prompt: 'say {{ item }}', model: sim/small}}")
    said("run", "w.yaml", "-q")
    with sqlite3.connect(".nano-flow/state.db") as db:
        rows = [json.loads(row[0]) for row in db.execute("SELECT body FROM events WHERE kind = 'CallFinished'")]
    assert len(rows) == 7 and all(type(row["cost"]) is int for row in rows)
    told = said.json("runs", "show", "last")["cost"]
    total = Decimal(told["usd"]) + Decimal(told["simulated_usd"])
    assert isinstance(told["usd"], str) and total * 10**9 == sum(row["cost"] for row in rows) > 0


def test_promise_06_what_is_simulated_is_marked_wherever_it_is_told(said: Said) -> None:
    write("steps: {a: {prompt: hi, cache: true}}")
    assert "simulated" in said("run", "w.yaml", "--offline")
    for words in (["runs", "list"], ["runs", "show", "last"], ["runs", "show", "last", "--step", "a"], ["cost"]):
        told = said(*words)
        assert "simulated" in told or "~$" in told, words
    assert said.json("runs", "show", "last")["simulated"] is True
    assert said.json("runs", "list")["runs"][0]["simulated"] is True
    assert "simulated" in said("cache", "show")
    lines = said("run", "w.yaml", "--offline", "--json=events").splitlines()
    assert any(json.loads(line).get("simulated") for line in lines)
