"""Questions to the store: which runs, which money, which questions to people."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from nano_flow.core.errors import UsageError
from nano_flow.core.events import ApprovalAnswered, ApprovalAsked, CacheHit, Event, RunFinished
from nano_flow.core.messages import ChatReply, Usage
from nano_flow.core.money import Money
from nano_flow.ports.store import Answer, Grouping, RunFilter
from nano_flow.stores.sqlite.store import SqliteStore, open_store
from tests.stores.samples import failed, finished, intended, run_record, started, write_life

SIMULATED = ChatReply("play", "stop", Usage(input_tokens=7, output_tokens=3), simulated=True)
DAY = 86_400.0


def end(status: str = "succeeded", at: float = 1010.0) -> RunFinished:
    return RunFinished(at, status, None, None, None, None, 9.5)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    store = open_store(tmp_path, lambda: 5000.0)
    write_life(store, "aa11", started(), finished(), end(), at=1000.0)
    write_life(store, "aa22", started(), end("failed"), at=2000.0, workflow="other")
    write_life(store, "bb33", started(), intended(at=1003.5), at=3000.0)
    return store


def test_runs_are_listed_newest_first_and_by_filter(store: SqliteStore) -> None:
    with store.reader() as reader:
        assert [run.run_id for run in reader.list_runs()] == ["bb33", "aa22", "aa11"]
        wanted = {
            RunFilter(workflow="review"): ["bb33", "aa11"],
            RunFilter(status="failed"): ["aa22"],
            RunFilter(status="paused"): ["bb33"],
            RunFilter(since=1500.0): ["bb33", "aa22"],
            RunFilter(limit=1): ["bb33"],
            RunFilter(status="succeeded", limit=1): ["aa11"],
            RunFilter(workflow="x' OR 1=1 --"): [],
        }
        for chosen, found in wanted.items():
            assert [run.run_id for run in reader.list_runs(chosen)] == found


def test_a_run_that_died_took_as_long_as_it_was_seen(store: SqliteStore) -> None:
    with store.reader() as reader:
        died, done = reader.find_run("bb33"), reader.find_run("aa11")
    assert died.duration_s == max(0.0, 1003.5 - 3000.0) and done.duration_s == 9.5
    assert died.stop_reason == "crash"


def test_a_run_is_found_by_id_prefix_and_last(store: SqliteStore) -> None:
    with store.reader() as reader:
        assert reader.find_run("last").run_id == "bb33"
        assert reader.find_run("b").run_id == "bb33"
        assert reader.find_run("aa1").run_id == "aa11"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("aa", '"aa" is the beginning of several runs: "aa11", "aa22"; type more of it'),
        ("ab22", 'there is no run "ab22", did you mean "aa22"\\?; "nano-flow runs list" shows them'),
        ("%", 'there is no run "%"; '),
        ("zz", 'there is no run "zz"; '),
        ("", "is the beginning of several runs"),
    ],
)
def test_a_name_that_means_no_run_is_answered_with_what_is_near(store: SqliteStore, name: str, message: str) -> None:
    with store.reader() as reader, pytest.raises(UsageError, match=message):
        reader.find_run(name)


def test_an_empty_store_says_how_a_run_is_made(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    write_life(store, "r1")
    store.delete_runs(["r1"])
    with store.reader() as reader, pytest.raises(UsageError, match='no run yet; "nano-flow run FILE"'):
        reader.find_run("last")


def test_many_runs_with_one_prefix_are_not_all_named(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    for number in range(6):
        write_life(store, f"run{number}")
    with store.reader() as reader, pytest.raises(UsageError, match=r'"run3" …; type more'):
        reader.find_run("run")


SPENT: tuple[Event, ...] = (
    started(),
    finished("review[0]", at=1000.0),
    finished("review[1]", at=1000.0 + DAY, cost=Money(500)),
    failed("review[1]", at=1000.0, possibly_spent=Money(900)),
    finished("play", at=1000.0, reply=SIMULATED, cost=Money(70)),
    finished("free", at=1000.0, cost=None, unpriced="no entry"),
    CacheHit(1000.0, "review[2]", 0, "openai/gpt-5", "auto", "f", ChatReply("x", "stop", Usage()), Money(40)),
)


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("workflow", ["review"]),
        ("step", ["review/review", "review/play", "review/free"]),
        ("model", ["openai/gpt-5-mini", "openai/gpt-5"]),
        ("provider", ["openai"]),
        ("day", ["1970-01-01", "1970-01-02"]),
        ("run", ["r1"]),
    ],
)
def test_spend_is_summed_by_anything_and_the_sum_is_the_same(tmp_path: Path, by: Grouping, keys: list[str]) -> None:
    store = open_store(tmp_path)
    write_life(store, "r1", *SPENT)
    with store.reader() as reader:
        rows = reader.spend(by)
    assert [row.key for row in rows] == keys
    assert sum(row.cost for row in rows) == 800 and sum(row.simulated_cost for row in rows) == 70
    # A failed call, and one whose reply came without a price: each counts its worst case.
    assert sum(row.possibly_spent for row in rows) == 2 * 900 and sum(row.saved for row in rows) == 40
    assert sum(row.calls for row in rows) == 6 and sum(row.cached for row in rows) == 1
    assert sum(row.unpriced_calls for row in rows) == 1 and sum(row.failed for row in rows) == 1
    assert sum(row.input_tokens for row in rows) == 37 and sum(row.output_tokens for row in rows) == 18


def test_what_the_newest_calls_saw_is_told_by_model_real_and_simulated_apart(tmp_path: Path) -> None:
    store = open_store(tmp_path, lambda: 5000.0)
    long = ChatReply("fine", "stop", Usage(input_tokens=10, output_tokens=20, reasoning_tokens=75))
    unknown = ChatReply("fine", "stop", Usage(measured=False))
    calls = (
        finished(at=1.0),
        finished(at=2.0, reply=long, duration_s=1.5),
        finished(at=3.0, reply=unknown, duration_s=4.0),
    )
    hit = CacheHit(4.0, "ask", 0, "openai/gpt-5-mini", "auto", "f1", long, Money(5))
    write_life(
        store, "r1", *calls, failed(at=3.5, duration_s=60.0), hit, finished(at=5.0, reply=SIMULATED, duration_s=0.1)
    )
    with store.reader() as reader:
        real, pretended = reader.observed(before=6.0)
        assert (real.simulated, real.calls, real.seconds, real.output_tokens) == (False, 3, 2.0, 50.0)
        assert (pretended.simulated, pretended.calls, pretended.output_tokens) == (True, 1, 3.0)
        assert [(row.calls, row.seconds) for row in reader.observed(before=2.0)] == [(1, 0.5)]
        assert reader.observed(before=1.0) == []


def test_only_the_newest_calls_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nano_flow.stores.sql.reading.observed.NEWEST", 2)
    store = open_store(tmp_path, lambda: 5000.0)
    write_life(store, "r1", *(finished(at=float(at), duration_s=float(at)) for at in (1, 2, 3)))
    with store.reader() as reader:
        assert [(row.calls, row.seconds) for row in reader.observed(before=9.0)] == [(2, 2.5)]


def test_spend_and_rows_are_counted_from_a_moment_on(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    write_life(store, "r1", *SPENT)
    with store.reader() as reader:
        assert sum(row.cost for row in reader.spend("run", 1000.0 + DAY / 2)) == 500
        assert [row["cost_usd"] for row in reader.ledger(since=1000.0 + DAY / 2)] == ["0.0000005"]
        assert [(row.model, row.reason, row.calls) for row in reader.unpriced()] == [
            ("openai/gpt-5-mini", "no entry", 1)
        ]
        assert reader.unpriced(since=2e9) == []


def test_what_was_spent_outlives_the_run_unless_asked(store: SqliteStore) -> None:
    assert store.delete_runs(["aa11", "nope"]) == 1
    store.compact()
    with store.reader() as reader:
        assert [run.run_id for run in reader.list_runs()] == ["bb33", "aa22"]
        assert list(reader.events_of("aa11")) == []
        assert reader.spend("run")[0].cost == 300
    write_life(store, "aa44", finished())
    assert store.delete_runs(["aa44"], ledger=True) == 1
    with store.reader() as reader:
        assert [row.key for row in reader.spend("run")] == ["aa11"]


def test_a_run_at_work_is_not_deleted(store: SqliteStore) -> None:
    journal = store.create_run(run_record("busy"))
    assert store.delete_runs(["busy"]) == 0
    asyncio.run(journal.close())


def test_pruning_gives_the_space_back(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    write_life(
        store, "big", *(finished(turn=turn, reply=ChatReply("x" * 10_000, "stop", Usage())) for turn in range(100))
    )
    before = store.path.stat().st_size
    store.delete_runs(["big"], ledger=True)
    store.compact()
    assert store.path.stat().st_size < before / 4


def test_compacting_waits_for_nobody(store: SqliteStore) -> None:
    with store.reader() as reader:
        runs = reader.events_of("aa11")
        next(runs)
        store.compact()
        assert len(list(runs)) == 2


ASKED = ApprovalAsked(1000.0, "ship", "Publish?", ("publish", "discard"), {"type": "object"}, 9000.0)


def test_questions_are_listed_until_they_are_answered(store: SqliteStore) -> None:
    write_life(store, "qq", started(), ASKED)
    with store.reader() as reader:
        (question,) = reader.pending_approvals()
        assert (question.run_id, question.workflow, question.address) == ("qq", "review", "ship")
        assert (question.options, question.input_schema) == (("publish", "discard"), {"type": "object"})
        assert reader.pending_approvals("aa11") == [] and reader.approval_answers("qq") == {}
    store.answer_approval("qq", Answer("ship", "publish", "ann", {"title": "1.2"}, "fine"))
    with store.reader() as reader:
        assert reader.pending_approvals() == []
        answer = reader.approval_answers("qq")["ship"]
    assert answer == ApprovalAnswered(5000.0, "ship", "publish", {"title": "1.2"}, "fine", "ann")
    _, journal = store.reopen_run("qq")
    assert list(journal.recorded().approvals.values()) == [answer]
    asyncio.run(journal.close())
    with store.reader() as reader:
        told = [event for _, event in reader.events_of("qq") if isinstance(event, ApprovalAnswered)]
    assert told == [answer]
    asyncio.run(store.reopen_run("qq")[1].close())
    with store.reader() as reader:
        assert len([1 for _, event in reader.events_of("qq") if isinstance(event, ApprovalAnswered)]) == 1


def test_an_answer_on_the_terminal_answers_the_question_in_the_store(store: SqliteStore) -> None:
    write_life(store, "qq", started(), ASKED, ApprovalAnswered(1001.0, "ship", "discard", None, "", "ann"))
    with store.reader() as reader:
        assert reader.pending_approvals() == []
    with pytest.raises(UsageError, match='was answered already: "discard" by ann'):
        store.answer_approval("qq", Answer("ship", "publish", "bob"))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer("ship", "publich", "ann"), '"publich" is no option at "ship", did you mean "publish"\\?: expected'),
        (Answer("ship", "never", "ann"), '"never" is no option at "ship": expected "publish", "discard"'),
        (Answer("shop", "publish", "ann"), 'asks nothing at "shop", did you mean "ship"\\?; open questions: "ship"'),
    ],
)
def test_answers_to_nothing_are_refused(store: SqliteStore, answer: Answer, message: str) -> None:
    write_life(store, "qq", started(), ASKED)
    with pytest.raises(UsageError, match=message):
        store.answer_approval("qq", answer)


def test_questions_expire_and_end_with_their_run(store: SqliteStore, tmp_path: Path) -> None:
    write_life(store, "qq", started(), ASKED)
    late = open_store(tmp_path, lambda: 9000.0)
    with pytest.raises(UsageError, match='has expired; "nano-flow resume qq" goes on'):
        late.answer_approval("qq", Answer("ship", "publish", "ann"))
    write_life(store, "over", started(), ASKED, end("cancelled"))
    with pytest.raises(UsageError, match=r"asks nothing at .*; open questions: nothing"):
        store.answer_approval("over", Answer("ship", "publish", "ann"))


def test_a_comment_in_a_strange_encoding_is_kept_readable(store: SqliteStore) -> None:
    write_life(store, "qq", started(), ASKED)
    store.answer_approval("qq", Answer("ship", "publish", "ann", None, "caf\udce9"))
    with store.reader() as reader:
        assert reader.approval_answers("qq")["ship"].comment == "caf\\udce9"


def test_a_question_asked_again_keeps_its_answer(store: SqliteStore) -> None:
    write_life(store, "qq", started(), ASKED, ApprovalAnswered(1001.0, "ship", "discard", None, "", "ann"), ASKED)
    with store.reader() as reader:
        assert reader.pending_approvals() == []
