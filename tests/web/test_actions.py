"""What pages may have done: started, cancelled, taken up again; and who takes it."""

from __future__ import annotations

import asyncio
import re

import pytest

from nano_flow.core.errors import UsageError
from nano_flow.operations.runs.starting import GivenInputs, RunOptions, StartOrder
from nano_flow.operations.service.queueing import QueueOrder, origins, queue_again, queue_run
from nano_flow.operations.service.working import Worker
from nano_flow.web.security.tokens import Role, form_token
from tests.cli.said import Said
from tests.web.shop import TOKENS, Shop


def press(shop: Shop, action: str, role: Role = Role.run, **fields: str) -> str:
    """Send a form of a page; where it leads to."""
    data = {"form_token": form_token(TOKENS[role].secret, action), **fields}
    answer = shop.client(role).post(action, data=data)
    assert answer.status_code == 303, re.sub(r"<[^>]+>", " ", answer.text)
    return str(answer.headers["location"])


def work(shop: Shop) -> None:
    """A worker of this process takes all that waits."""
    worker = Worker(shop.place, until_idle=True)

    async def bounded() -> None:
        async with asyncio.timeout(60):
            await worker.work()

    asyncio.run(bounded())


def status(shop: Shop, run: str) -> str:
    with shop.store.reader() as reader:
        return reader.find_run(run).status


def test_a_workflow_that_takes_nothing_is_started_by_its_form(shop: Shop) -> None:
    run = press(shop, "/workflows/broken.yaml/start", offline="true").rpartition("/")[2]
    assert status(shop, run) == "queued"


def test_a_workflow_is_started_by_its_form_answered_and_finished(shop: Shop) -> None:
    listed = shop.client().get("/workflows").text
    assert 'href="/workflows/note.yaml"' in listed and "asks before it is published" in listed
    page = shop.client(Role.run).get("/workflows/note.yaml").text
    assert 'name="input.topics"' in page and 'action="/workflows/note.yaml/start"' in page and "At most" in page
    assert "<form" not in shop.client().get("/workflows/note.yaml").text
    fields = {"input.topics": '["x"]', "input.tone": "warm", "offline": "true"}
    run = press(shop, "/workflows/note.yaml/start", **fields).rpartition("/")[2]
    assert status(shop, run) == "queued"
    with shop.store.reader() as reader:
        record = reader.run_record(run)
        assert origins(reader, [run]) == {run: "web:run"}
    assert record is not None and record.inputs == {"topics": ["x"], "tone": "warm"}
    work(shop)
    assert status(shop, run) == "paused"
    press(shop, f"/runs/{run}/answer/ask", Role.answer, option="publish", **{"input.title": "T"})
    work(shop)
    assert status(shop, run) == "succeeded"
    page = shop.client().get(f"/runs/{run}").text
    assert "succeeded" in page and "tell" in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"input.topics": "x"}, "wants JSON"),
        ({"input.topics": "[1]"}, "is not of type"),
        ({"budget": "much"}, "no amount of US dollars"),
    ],
)
def test_a_form_that_is_wrong_says_so_and_keeps_what_was_typed(shop: Shop, fields: dict[str, str], said: str) -> None:
    action = "/workflows/note.yaml/start"
    data = {"form_token": form_token(TOKENS[Role.run].secret, action), "input.tone": "dry", **fields}
    answer = shop.client(Role.run).post(action, data=data)
    assert answer.status_code == 422 and said in answer.text and "dry" in answer.text
    assert not shop.store.exists()


def test_only_workflows_of_the_project_can_be_asked_for(shop: Shop) -> None:
    for key in ("../secret.yaml", "/etc/passwd", "%2e%2e/x", "nothing.yaml"):
        assert shop.client(Role.run).get(f"/workflows/{key}").status_code == 404


def test_a_queued_run_is_cancelled_and_a_failed_one_taken_up_again(shop: Shop) -> None:
    order = QueueOrder(StartOrder(str(shop.folder / "broken.yaml"), options=RunOptions(offline=True)), "api")
    run = queue_run(shop.place, order).run_id
    press(shop, f"/runs/{run}/cancel")
    assert status(shop, run) == "cancelled"
    press(shop, f"/runs/{run}/resume")
    assert status(shop, run) == "queued"
    with pytest.raises(UsageError, match="waits for a worker already"):
        queue_again(shop.place, run)
    work(shop)
    assert status(shop, run) == "failed"
    again = press(shop, f"/runs/{run}/rerun").rpartition("/")[2]
    assert again != run and status(shop, again) == "queued"


def test_roles_bound_what_is_done(shop: Shop) -> None:
    run = shop.run("broken.yaml", code=1)
    for act in ("cancel", "resume", "rerun"):
        action = f"/runs/{run}/{act}"
        data = {"form_token": form_token(TOKENS[Role.answer].secret, action)}
        assert shop.client(Role.answer).post(action, data=data).status_code == 403


def test_a_key_starts_one_run(shop: Shop) -> None:
    start = StartOrder(str(shop.folder / "broken.yaml"), options=RunOptions(offline=True))
    first = queue_run(shop.place, QueueOrder(start, "api", (("key", "a"),)))
    second = queue_run(shop.place, QueueOrder(start, "api", (("key", "a"),)))
    assert (first.is_new, second.is_new) == (True, False)
    assert second.run_id == first.run_id
    with shop.store.reader() as reader:
        assert len(reader.list_runs()) == 1


def test_a_secret_input_cannot_be_left_to_a_worker(shop: Shop) -> None:
    (shop.folder / "secret.yaml").write_text(
        "nano_flow: 1\nname: s\ninputs: {key: {type: string, secret: true}}\n"
        'steps: {a: {run: [sh, -c, "true"], env: {KEY: "{{ inputs.key }}"}}}\n'
    )
    start = StartOrder(str(shop.folder / "secret.yaml"), GivenInputs({"key": "0123456789"}))
    with pytest.raises(UsageError, match='input "key" is secret'):
        queue_run(shop.place, QueueOrder(start, "api"))


def test_what_cannot_begin_is_failed_with_its_reason(shop: Shop) -> None:
    start = StartOrder(str(shop.folder / "broken.yaml"), options=RunOptions(offline=True))
    run = queue_run(shop.place, QueueOrder(start, "api")).run_id
    (shop.folder / "broken.yaml").write_text("nano_flow: 1\nname: broken\n")
    work(shop)
    with shop.store.reader() as reader:
        found = reader.find_run(run)
    assert found.status == "failed" and "steps" in str(found.error)


def test_a_worker_that_is_told_to_stop_gives_its_run_back(shop: Shop) -> None:
    (shop.folder / "long.yaml").write_text('nano_flow: 1\nname: long\nsteps: {a: {run: [sh, -c, "sleep 60"]}}\n')
    run = queue_run(shop.place, QueueOrder(StartOrder(str(shop.folder / "long.yaml")), "api")).run_id
    lines = list[str]()

    async def story() -> None:
        worker = Worker(shop.place, tell=lines.append)
        working = asyncio.create_task(worker.work())
        async with asyncio.timeout(30):
            while not shop.store.exists() or status(shop, run) != "running":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            worker.stop()
            await working

    asyncio.run(story())
    assert status(shop, run) == "queued" and lines[0] == f"{run} long: taken"


def test_a_detached_run_is_left_to_a_worker(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    from nano_flow.operations.service.queueing import WORKER
    from nano_flow.ports.store import Mark

    shop.store.remember(Mark(WORKER, "one", __import__("time").time()))
    said = Said(capsys)
    words = ("-C", str(shop.folder), "--state-dir", str(shop.state), "run", "broken.yaml", "--offline", "--detach")
    run = said(*words).strip()
    assert status(shop, run) == "queued" and "a worker takes it" in said.err
    assert said.json(*words)["schema"] == "nano-flow/queued@1"
