"""``runs``, ``cost`` and ``approvals`` as typed: what they print, what they refuse."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

import nano_flow
from nano_flow.core.events import ApprovalAsked, Event, NoticeGiven, RunFinished, StepFinished, StepStarted
from nano_flow.core.money import Money
from nano_flow.stores.sqlite.store import SqliteStore, open_store
from tests.cli.said import Said
from tests.stores.samples import finished, run_record, started, write_life

NOW = time.time()


write = partial(write_life, at=NOW)


def whole(run_id: str, cost: int = 300, output: str = "fine") -> list[Event]:
    done = StepFinished(NOW + 2, "ask", output, 2.0)
    end = RunFinished(NOW + 3, "succeeded", {"report": output}, None, None, None, 3.0)
    begun = StepStarted(NOW, "ask", "ask", "prompt")
    return [
        started(NOW, run_id),
        begun,
        finished(at=NOW + 1, cost=Money(cost)),
        NoticeGiven(NOW, "", "mind \x1b[2J"),
        done,
        end,
    ]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SqliteStore:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NANO_FLOW_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("NO_COLOR", "1")
    return open_store(tmp_path / "state")


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    return Said(capsys)


def test_runs_lists_and_says_where_there_are_none(store: SqliteStore, said: Said) -> None:
    assert said("runs") == "" and "no runs" in said.err
    assert said.json("runs") == {"schema": "nano-flow/runs@1", "runs": []}
    assert not store.path.exists()
    write(store, "bb22", *whole("bb22"), at=NOW - 86_400 * 30)
    write(store, "aa11", *whole("aa11"))
    lines = said("runs").splitlines()
    assert [line.split()[0] for line in lines] == ["run", "aa11", "bb22"] and "$0.0000003" in lines[1]
    assert [run["run_id"] for run in said.json("runs", "list", "--since", "7d")["runs"]] == ["aa11"]
    assert [run["run_id"] for run in said.json("runs", "list", "-n", "1", "--status", "succeeded")["runs"]] == ["aa11"]
    assert said.json("runs", "list", "--workflow", "none")["runs"] == []


def test_show_prints_a_run_as_text_and_as_its_document(store: SqliteStore, said: Said) -> None:
    write(store, "aa11", *whole("aa11"))
    text = said("runs", "show")
    assert "✓  ask   openai/gpt-5-mini" in text and "report:\n  fine" in text and "\x1b" not in text
    assert "mind \\x1b[2J" in said.err
    document = said.json("runs", "show", "aa")
    assert (document["schema"], document["run_id"]) == ("nano-flow/run@1", "aa11")
    assert document["steps"][0]["cost_usd"] == "0.0000003"
    assert "█" in said("runs", "show", "--timeline")


def test_show_prints_one_step_in_full(store: SqliteStore, said: Said) -> None:
    write(store, "aa11", *whole("aa11", output="line one\nline two"))
    assert "output:\n  line one\n  line two\n" in said("runs", "show", "last", "--step", "ask")
    assert said.json("runs", "show", "last", "--step", "ask")["output"] == "line one\nline two"
    said("runs", "show", "last", "--step", "asc", code=2)
    assert 'has no step at "asc", did you mean "ask"?' in said.err


def test_a_run_that_died_is_paused_and_says_how_to_go_on(store: SqliteStore, said: Said) -> None:
    write(store, "aa11", started(NOW, "aa11"))
    assert said("runs", "show").splitlines()[-1] == "nano-flow resume aa11 goes on"
    assert said.json("runs", "show")["stop"] == {"reason": "crash", "address": None}


def test_logs_are_lines_with_times(store: SqliteStore, said: Said) -> None:
    write(store, "aa11", *whole("aa11"))
    lines = said("runs", "logs", "--follow").splitlines()
    assert lines[0].endswith("run aa11 started: review") and lines[1].endswith("ask started (prompt)")
    assert len(said("runs", "logs", "last", "--step", "ask").splitlines()) == 3
    assert said.json("runs", "logs", "--step", "as")["events"] == []
    assert [event["event"] for event in said.json("runs", "logs")["events"]][:2] == ["RunStarted", "StepStarted"]


def test_logs_follow_a_run_until_it_ends(store: SqliteStore, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = store.create_run(run_record("aa11", NOW))
    journal.record(started(NOW, "aa11"))

    def end(_: float) -> None:
        journal.record(NoticeGiven(NOW, "", "the last words"))
        asyncio.run(journal.close())

    monkeypatch.setattr("nano_flow.operations.runs.reading.time.sleep", end)
    assert said("runs", "logs", "--follow").splitlines()[-1].endswith("the last words")


def test_diff_tells_what_differs(store: SqliteStore, said: Said) -> None:
    write(store, "aa11", *whole("aa11"))
    write(store, "bb22", *whole("bb22", 500, "bad"), at=NOW + 1)
    assert "$" not in said("runs", "diff", "aa", "bb") and "0.0000005" in said.out
    assert said.json("runs", "diff", "bb")["steps"][0]["address"] == "ask"


def test_cancel_asks_the_owner_or_closes_what_has_none(store: SqliteStore, said: Said) -> None:
    journal = store.create_run(run_record("aa11", NOW))
    told = said.json("runs", "cancel", "aa11")
    assert told == {"schema": "nano-flow/cancel@1", "run_id": "aa11", "asked": True, "problem": None}
    asyncio.run(journal.close())
    said("runs", "cancel")
    assert "its handlers did not run" in said.err
    assert '"nano-flow resume aa11" would go on with it' in said.err
    document = said.json("runs", "show")
    assert (document["status"], document["stop"]["reason"]) == ("cancelled", "cancelled")
    said("runs", "cancel", code=2)
    assert 'run "aa11" has ended already: cancelled; only "nano-flow resume aa11" would go on with it' in said.err


def test_export_writes_events_ledger_or_everything(store: SqliteStore, said: Said, tmp_path: Path) -> None:
    write(store, "aa11", *whole("aa11"))
    events = [json.loads(line) for line in said("runs", "export").splitlines()]
    assert events[0]["event"] == "RunStarted" and len(events) == 6
    (row,) = csv.DictReader(io.StringIO(said("runs", "export", "--format", "csv")))
    assert (row["step"], row["cost_usd"], row["price_entry"]) == ("ask", "0.0000003", "openai/gpt-5-mini@2025-08-07")
    everything = said.json("runs", "export")
    assert everything["run"]["run_id"] == "aa11" and len(everything["events"]) == 6 and len(everything["ledger"]) == 1
    said("runs", "export", "-o", str(tmp_path / "out.jsonl"))
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 6
    said("runs", "export", "-o", str(tmp_path / "no" / "out"), code=2)
    assert "cannot be written" in said.err


def test_prune_deletes_what_was_chosen_and_nothing_else(store: SqliteStore, said: Said) -> None:
    said("runs", "prune", code=2)
    assert "say which" in said.err
    write(store, "old1", *whole("old1"), at=NOW - 86_400 * 40)
    write(store, "old2", *whole("old2"), at=NOW - 86_400 * 39)
    journal = store.create_run(run_record("busy", NOW - 86_400 * 38))
    write(store, "new1", *whole("new1"))
    assert said("runs", "prune", "--older-than", "30d", "--dry-run") == "old2\nold1\n"
    assert len(said.json("runs")["runs"]) == 4
    assert said.json("runs", "prune", "old1")["deleted"] == 1
    assert said.json("cost", "--by", "run")["total"]["usd"] == "0.0000009"
    said("runs", "prune", "busy", code=2)
    assert 'run "busy" is at work in process' in said.err
    assert said.json("runs", "prune", "--keep", "1", "--ledger")["runs"] == ["old2"]
    assert said.json("cost", "--by", "run")["total"]["usd"] == "0.0000006"
    asyncio.run(journal.close())
    said("runs", "prune", "--status", "succeeded")
    assert "1 deleted; what they cost stays in the ledger" in said.err


def test_cost_fits_a_narrow_terminal(store: SqliteStore, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    write(store, "aa11", *whole("aa11"), finished("a_step_with_a_long_name", at=1000.0, cost=None))
    monkeypatch.setenv("COLUMNS", "40")
    for by in ("workflow", "step", "model", "provider", "day", "run"):
        assert max(map(len, said("cost", "--by", by).splitlines())) <= 40


def test_cost_sums_up_in_a_table_json_and_csv(store: SqliteStore, said: Said) -> None:
    assert said("cost") == "nothing was spent\n\ntotal: $0 in 0 calls\n"
    write(store, "aa11", *whole("aa11"), finished("old", at=1000.0, cost=Money(5)))
    assert "review" in said("cost") and "total: $0.000000305 in 2 calls" in said.out
    assert said.json("cost", "--by", "day", "--since", "1d")["total"]["usd"] == "0.0000003"
    assert said("cost", "--by", "model", "--csv").splitlines()[1].startswith("openai/gpt-5-mini,2,")
    said("cost", "--csv", "--json", code=2)
    said("cost", "--since", "yesterday", code=2)
    assert '"yesterday" is no time: expected a duration such as 7d' in said.err


ASKED = ApprovalAsked(NOW, "ship", "Publish\x1b[2J?", ("publish", "discard"), {"type": "object", "required": ["title"]})


def test_approvals_are_listed_and_answered(store: SqliteStore, said: Said) -> None:
    said("approvals")
    assert "nothing is asked" in said.err
    write(store, "aa11", started(NOW, "aa11"), ASKED)
    assert "Publish\\x1b[2J?" in said("approvals", "list")
    (asked,) = said.json("approvals")["approvals"]
    assert (asked["address"], asked["options"], asked["expires_at"]) == ("ship", ["publish", "discard"], None)
    said("approvals", "answer", "last", "ship", "publish", code=2)
    assert 'wants an input of the form {"type": "object", "required": ["title"]}' in said.err.replace('":"', '": "')
    said("approvals", "answer", "last", "ship", "publich", code=2)
    assert 'did you mean "publish"?' in said.err
    said("approvals", "answer", "last", "ship", "publish", "--input", "{}", code=2)
    assert "the question wants another input: 'title' is a required property" in said.err
    said("approvals", "answer", "last", "ship", "publish", "--input", "{", code=2)
    assert "--input is not JSON" in said.err
    said("approvals", "answer", "last", "ship", "publich", "--input", '{"title": 1}', code=2)
    assert 'did you mean "publish"?' in said.err
    said("approvals", "answer", "last", "ship", "publish", "--input", '{"title": 1}')
    assert 'answered; "nano-flow resume aa11" goes on' in said.err
    said("approvals", "answer", "last", "ship", "publish", code=2)
    assert "was answered already" in said.err


def test_an_answer_to_a_run_at_work_reaches_its_owner(store: SqliteStore, said: Said) -> None:
    journal = store.create_run(run_record("aa11", NOW))

    async def ask() -> None:
        await journal.durable(ApprovalAsked(NOW, "ship", "Publish?", ("yes",)))

    async def close() -> None:
        await journal.close()

    asyncio.run(ask())
    told = said.json("approvals", "answer", "last", "ship", "yes", "--comment", "fine")
    assert told["decision"] == "yes"
    with store.reader() as reader:
        assert reader.approval_answers("aa11")["ship"].comment == "fine"
    asyncio.run(close())


def test_moments_are_dates_too(store: SqliteStore, said: Said) -> None:
    write(store, "aa11", *whole("aa11"))
    assert said.json("runs", "list", "--since", "2020-01-31")["runs"]
    assert said.json("runs", "list", "--since", "2199-01-31T10:00:00+02:00")["runs"] == []


def test_a_store_that_is_not_there_or_broken_is_named(store: SqliteStore, said: Said) -> None:
    said("runs", "show", code=1)
    assert "there is no store here yet" in said.err
    store.path.parent.mkdir()
    store.path.write_text("not a database" * 99)
    for words in (["runs"], ["cost"], ["runs", "show"], ["approvals"]):
        said(*words, code=1)
        assert "state.db: the store is damaged" in said.err


@pytest.mark.parametrize("words", [["runs"], ["cost"], ["runs", "show"], ["runs", "logs"]])
def test_looking_back_imports_no_engine(store: SqliteStore, words: list[str]) -> None:
    write(store, "aa11", *whole("aa11"))
    program = (
        "import sys\nfrom nano_flow.cli.main import run_command\n"
        f"assert run_command({words!r}) == 0\n"
        "bad = {'litellm', 'networkx', 'rich', 'jsonschema', 'pydantic', 'jinja2'} & set(sys.modules)\n"
        "assert not bad, bad\n"
    )
    path = str(Path(nano_flow.__file__).parents[1])
    subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": path}, check=True, stdout=subprocess.DEVNULL
    )
