"""What stops a run reaches what it has placed: cancellation, a sibling's failure, a pause, a question, a secret."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from nano_flow.operations.place import Place
from nano_flow.operations.runs.starting import Company, GivenInputs, StartOrder, start_run
from nano_flow.ports.store import Answer
from nano_flow.runtime.limits import Control, Stop
from tests.placed.kit import SECONDS, Seen, place, place_in, resume, run, workers, write
from tests.stores.postgres import schema_url

__all__ = ["place", "schema_url"]


def test_cancelling_siblings_reaches_other_workers(place: Place) -> None:
    path = write(
        place.current,
        """name: w
steps:
  a:
    runs_on: gpu
    for_each: [0, 30, 30]
    on_item_failure: cancel
    run: [sh, -c, 'sleep "$0"; exit 3', "{{ item }}"]
    on_error: continue
outputs: {why: "{{ steps.a.error.class }}"}
""",
    )
    seen, began = Seen(), time.monotonic()

    async def story() -> object:
        async with asyncio.timeout(SECONDS), workers(place, "gpu", count=2):
            return (await run(place, path, sinks=[seen])).document["outputs"]

    assert asyncio.run(story()) == {"why": "command"}
    assert time.monotonic() - began < 25
    assert {getattr(event, "error", "") for event in seen.of("StepFailed")} == {"command", "cancelled"}


def test_a_pause_stops_placed_steps_and_a_resume_goes_on(place: Place) -> None:
    path = write(
        place.current,
        """name: w
steps:
  a: {runs_on: gpu, for_each: [1, 2], run: [sh, -c, 'while [ ! -e go ]; do sleep 0.05; done; echo "$0"', "{{ item }}"]}
outputs: {a: "{{ steps.a.output | map(attribute='stdout') | list }}"}
""",
    )
    seen = Seen()

    async def story() -> tuple[object, object]:
        async with asyncio.timeout(SECONDS), workers(place, "gpu") as found:

            def hold(control: Control) -> None:
                asyncio.get_running_loop().create_task(pause(control))

            async def pause(control: Control) -> None:
                while len(seen.of("StepStarted")) < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
                control.order_now(Stop("interrupt", "", "interrupted", pause=True))

            company = Company(sinks=(seen,), on_control=hold)
            report = await start_run(place, StartOrder(path, GivenInputs()), company)
            assert report.end.status == "paused"
            assert not any(worker.busy for worker in found) or await settled(found)
            (place.current / "go").touch()
            return report.end.reason, (await resume(place, report.run_id)).document["outputs"]

    async def settled(found: list[object]) -> bool:
        while any(worker.busy for worker in found):  # type: ignore[attr-defined]  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        return True

    assert asyncio.run(story()) == ("interrupt", {"a": ["1", "2"]})


def test_a_question_inside_gives_the_worker_back_and_is_answered_later(place: Place) -> None:
    path = write(
        place.current,
        """name: w
steps:
  g:
    runs_on: gpu
    for_each: [x, y]
    steps:
      before: {run: [sh, -c, "echo ran >> count"]}
      ask: {approve: {message: "{{ item }}?"}, needs: [before]}
    outputs: "{{ steps.ask.output.decision }}"
outputs: {g: "{{ steps.g.output }}"}
""",
    )

    async def story() -> tuple[object, object, object]:
        async with asyncio.timeout(SECONDS), workers(place, "gpu") as found:
            report = await run(place, path)
            busy = [worker.busy for worker in found]
            for address in ("g[0].ask", "g[1].ask"):
                place.store.answer_approval(report.run_id, Answer(address, "approve", "ann"))
            return report.end.reason, busy, (await resume(place, report.run_id)).document["outputs"]

    reason, _, outputs = asyncio.run(story())
    assert reason == "approval"
    assert outputs == {"g": ["approve", "approve"]}
    assert (place.current / "count").read_text() == "ran\n" * 2


def test_a_secret_input_is_never_written_down(tmp_path: Path, schema_url: str) -> None:
    path = write(
        tmp_path,
        """name: w
inputs: {key: {type: string, secret: true}}
steps:
  say: {run: 'echo "$K"', env: {K: "{{ inputs.key }}"}}
  fine: {runs_on: gpu, run: [echo, hi]}
  a: {runs_on: gpu, run: [echo, "{{ steps.say.output.stdout }}"]}
""",
    )

    async def story() -> object:
        there = place_in(tmp_path, schema_url)
        async with asyncio.timeout(SECONDS), workers(there, "gpu"):
            return (await run(there, path, key="hunter2hunter2")).end.failure

    failure = asyncio.run(story())
    assert (getattr(failure, "kind", ""), getattr(failure, "address", "")) == ("secret", "a")
    assert "hunter2" not in str(failure)


def test_a_second_life_keeps_what_workers_handed_in(place: Place) -> None:
    path = write(
        place.current,
        """name: w
steps:
  a: {runs_on: gpu, for_each: [1, 2, 3], run: [sh, -c, "echo $0 >> count", "{{ item }}"]}
  b: {needs: [a], run: [sh, -c, "test -e go"]}
""",
    )

    async def story() -> list[str]:
        async with asyncio.timeout(SECONDS), workers(place, "gpu"):
            first = await run(place, path)
            (place.current / "go").touch()
            return [first.end.status, (await resume(place, first.run_id)).end.status]

    assert asyncio.run(story()) == ["failed", "succeeded"]
    assert sorted((place.current / "count").read_text().split()) == ["1", "2", "3"]
