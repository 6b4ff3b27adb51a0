"""What a server does by itself: schedules, groups, notifications, retention; each thing once, whoever looks."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from nano_flow.operations.runs.starting import RunOptions, StartOrder
from nano_flow.operations.service.due import startable
from nano_flow.operations.service.groups import may_queue
from nano_flow.operations.service.helpers import Helpers
from nano_flow.operations.service.inforce import next_times, service_of
from nano_flow.operations.service.queueing import QueueOrder, origins, queue_run
from nano_flow.operations.service.spent import budgets_drawn
from nano_flow.operations.service.telling import Notifier, Occasion, message
from nano_flow.operations.service.timed import Timed
from nano_flow.ports.store import RunFilter
from nano_flow.project.service.retention import keep_house
from tests.web.shop import Shop, opened

NIGHTLY = """nano_flow: 1
workflows:
  nightly: {file: broken.yaml, schedule: {cron: "0 3 * * *", catch_up: CATCH}}
"""
HOUR = 3600.0


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return opened(tmp_path)


class Clock:
    """A time that tests set."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def serves(shop: Shop, text: str) -> None:
    (shop.folder / "service.yaml").write_text(text)


def runs(shop: Shop) -> list[str]:
    if not shop.store.exists():
        return []
    with shop.store.reader() as reader:
        found = reader.list_runs()
        names = origins(reader, [run.run_id for run in found])
    return [names.get(run.run_id, "") for run in found]


@pytest.mark.parametrize(("catch_up", "expected"), [("false", 0), ("true", 1)])
def test_a_schedule_starts_once_and_what_was_missed_as_told(shop: Shop, catch_up: str, expected: int) -> None:
    serves(shop, NIGHTLY.replace("CATCH", catch_up))
    midnight = 1_780_272_000.0  # 2026-06-01 00:00 UTC
    clock, lines = Clock(midnight), list[str]()
    servers = [Timed(shop.place, lines.append, clock) for _ in range(2)]
    for server in servers:
        server.look()
    assert runs(shop) == []
    clock.at = midnight + 3 * HOUR + 5
    for server in servers * 2:
        server.look()
    assert runs(shop) == ["schedule:nightly"]
    assert [line for line in lines if "waits for a worker" in line] == lines and len(lines) == 1
    # Three nights nobody was there, and then a server starts anew.
    clock.at = midnight + 75 * HOUR + 30 * 60
    Timed(shop.place, lines.append, clock).look()
    assert len(runs(shop)) == 1 + expected
    clock.at = midnight + 99 * HOUR
    Timed(shop.place, lines.append, clock).look()
    assert len(runs(shop)) == 2 + expected


def test_a_schedule_that_cannot_start_is_told_once(shop: Shop) -> None:
    serves(shop, NIGHTLY.replace("CATCH", "false"))
    clock, lines = Clock(1_780_272_000.0), list[str]()
    timed = Timed(shop.place, lines.append, clock)
    timed.look()
    (shop.folder / "broken.yaml").write_text("nano_flow: 1\nname: broken\n")
    clock.at += 3 * HOUR
    timed.look()
    timed.look()
    assert len(lines) == 1 and "could not start" in lines[0] and runs(shop) == []
    due = next_times(service_of(shop.place), clock.at)[0]
    assert (due.name, due.timezone, due.at) == ("nightly", "UTC", 1_780_272_000.0 + 27 * HOUR)


@pytest.mark.parametrize(("otherwise", "queued"), [("skip", False), ("queue", True), ("cancel_running", True)])
def test_a_group_has_one_bound(shop: Shop, otherwise: str, queued: bool) -> None:
    serves(
        shop,
        "nano_flow: 1\nworkflows:\n"
        f"  one: {{file: broken.yaml, concurrency: {{group: g, at_most: 1, otherwise: {otherwise}}}}}\n"
        f"  two: {{file: note.yaml, concurrency: {{group: g, at_most: 1, otherwise: {otherwise}}}}}\n",
    )
    service = service_of(shop.place)
    assert may_queue(shop.place, service, "one")
    start = StartOrder(str(shop.folder / "broken.yaml"), options=RunOptions(offline=True))
    first = queue_run(shop.place, QueueOrder(start, "service:one")).run_id
    assert may_queue(shop.place, service, "two") is queued
    with shop.store.reader() as reader:
        status = reader.find_run(first).status
        if otherwise != "cancel_running":
            assert [run.run_id for run in startable(reader, service)] == [first]
    assert status == ("cancelled" if otherwise == "cancel_running" else "queued")
    if otherwise == "queue":
        queue_run(shop.place, QueueOrder(start, "service:two"))
        with shop.store.reader() as reader:
            assert [run.run_id for run in startable(reader, service)] == [first]


@contextmanager
def listening(status: int = 200) -> Iterator[tuple[str, list[dict[str, object]]]]:
    heard = list[dict[str, object]]()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/secret-path", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_people_are_told_once_of_what_is_new(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    shop.run("broken.yaml", code=1)
    with listening() as (url, heard):
        serves(shop, f"nano_flow: 1\nnotify:\n  - {{on: [failed, asks], webhook: '{url}'}}\n")
        service = service_of(shop.place)
        first = Notifier(shop.place, print)
        first.look(service)
        assert heard == []  # what failed before anybody was there to tell is history
        failed = shop.run("broken.yaml", code=1)
        asks = shop.run("note.yaml", "--no-input", code=6)
        for notifier in (first, Notifier(shop.place, print)):
            notifier.look(service)
    assert sorted((str(one["on"]), str(one["run_id"])) for one in heard) == [("asks", asks), ("failed", failed)]
    assert all(one["schema"] == "nano-flow/notification@1" for one in heard)


def test_a_sink_that_fails_is_named_without_its_address(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    lines = list[str]()
    with listening(500) as (url, _):
        serves(
            shop,
            f"nano_flow: 1\nnotify:\n  - {{on: [failed], webhook: '{url}'}}\n  - {{on: [failed], command: [./no]}}\n",
        )
        notifier = Notifier(shop.place, lines.append)
        shop.run("note.yaml", "--no-input", code=6)
        notifier.look(service_of(shop.place))
        shop.run("broken.yaml", code=1)
        notifier.look(service_of(shop.place))
    assert len(lines) == 2 and all("nobody could be told" in line and "secret-path" not in line for line in lines)


def test_a_command_gets_the_message_on_its_input(shop: Shop) -> None:
    serves(shop, "nano_flow: 1\nnotify:\n  - {on: [failed], command: [sh, -c, 'cat > told.json']}\n")
    shop.run("note.yaml", "--no-input", code=6)
    notifier = Notifier(shop.place, print)
    notifier.look(service_of(shop.place))
    run = shop.run("broken.yaml", code=1)
    notifier.look(service_of(shop.place))
    told = json.loads((shop.folder / "told.json").read_text())
    assert (told["on"], told["run_id"], told["workflow"]) == ("failed", run, "broken")


def test_slack_reads_no_marks_in_what_models_say() -> None:
    occasion = Occasion("asks", "r1", "w", 0.0, "w asks: <!channel> & more")
    assert message(occasion, "slack") == {"text": "w asks: &lt;!channel&gt; &amp; more\nrun r1"}


def test_old_runs_go_but_not_what_waits(shop: Shop) -> None:
    serves(shop, "nano_flow: 1\nretention: {runs: 1d}\n")
    old, asks = shop.run("broken.yaml", code=1), shop.run("note.yaml", "--no-input", code=6)
    with shop.store.reader() as reader:
        now = reader.find_run("last").created_at
    retention = service_of(shop.place).retention
    assert keep_house(shop.store, retention, now) == 0
    assert keep_house(shop.store, retention, now + 90_000) == 1
    with shop.store.reader() as reader:
        assert [run.run_id for run in reader.list_runs(RunFilter())] == [asks]
        assert sum(row.calls for row in reader.spend("run")) > 0 and old


def test_budgets_are_shown_with_what_they_have(shop: Shop) -> None:
    serves(
        shop,
        "nano_flow: 1\nbudgets:\n  - {usd: 20, per: day}\n  - {usd: 5, per: month, workflow: note, provider: sim}\n",
    )
    shop.run("note.yaml", "--no-input", code=6)
    with shop.store.reader() as reader:
        found = budgets_drawn(reader, service_of(shop.place), reader.find_run("last").created_at)
    assert [one.bound.name for one in found] == [
        "the budget of 20 USD a day",
        'the budget of 5 USD a month of "note" at sim',
    ]
    assert [one.settled for one in found] == [0, 0]  # simulated money never counts
    assert "$0 of the budget of 20 USD a day" in shop.client().get("/").text


def test_a_server_says_once_that_its_service_yaml_is_wrong_and_goes_on(shop: Shop) -> None:
    serves(shop, "nano_flow: 1\nbudgets: 3\n")
    lines = list[str]()
    heard = asyncio.Event()

    def tell(line: str) -> None:
        lines.append(line)
        heard.set()

    async def story() -> None:
        async with Helpers(replace(shop.place), 0, tell), asyncio.timeout(20):
            while not lines:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    asyncio.run(story())
    assert len(lines) == 1 and "service.yaml:2" in lines[0]
