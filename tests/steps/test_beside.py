"""Judging keeps nobody waiting: the loop goes on, a timeout ends it, a cancelled thread stops by itself."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import pytest

from nano_flow.core.messages import Json
from nano_flow.source.judging.meter import Patience
from nano_flow.steps.beside import beside, judged, output_of
from nano_flow.steps.output import OutputBroken
from tests.source.test_judging import DOUBLING, _nested


class Watchdog:
    """Measures the longest time for which the loop served nobody; the time of other processes is no fault of ours."""

    worst = 0.0

    async def watch(self) -> None:
        before = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            self.worst = max(self.worst, now - before)
            before = now
            await asyncio.sleep(0.005)
            before = time.thread_time()


async def watched(work: object, limit: float = 60.0) -> float:
    dog = Watchdog()
    watching = asyncio.ensure_future(dog.watch())
    try:
        async with asyncio.timeout(limit):
            await work  # type: ignore[misc]
    finally:
        watching.cancel()
    return dog.worst


def test_what_is_quick_needs_no_thread() -> None:
    before = threading.active_count()
    assert asyncio.run(output_of('```json\n{"a": 1}\n```', {"type": "object"})) == {"a": 1}
    with pytest.raises(OutputBroken, match="is not of type 'object'"):
        asyncio.run(judged([], {"type": "object"}))
    assert threading.active_count() == before


def test_a_long_judgement_keeps_nobody_waiting_and_obeys_a_timeout() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            await watched(judged(_nested(60), DOUBLING), 0.3)
        started = time.monotonic()
        await asyncio.get_running_loop().shutdown_default_executor()  # waits for the thread, which has heard of it
        return time.monotonic() - started

    assert asyncio.run(main()) < 5


def test_a_long_judgement_ends_by_its_own_bound() -> None:
    with pytest.raises(OutputBroken, match="takes more than"):
        asyncio.run(judged(_nested(30), DOUBLING))


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ([{"a": n, "b": [n]} for n in range(20_000)], {"uniqueItems": True}),
        ([[n] * 20 for n in range(5_000)], {"items": {"contains": {"const": -1}}, "minItems": 1}),
        (
            {f"k{n}": [n] for n in range(10_000)},
            {"additionalProperties": {"anyOf": [{"type": "null"}, {"type": "array"}]}},
        ),
    ],
)
def test_a_large_reply_does_not_block_the_loop(value: Json, schema: dict[str, Json]) -> None:
    async def main() -> float:
        text = json.dumps(value)
        try:
            return await watched(output_of(text, schema))
        except OutputBroken:
            return 0.0

    assert asyncio.run(main()) < 0.1


def test_work_begins_anew_in_a_thread_with_what_it_raises() -> None:
    seen: list[bool] = []

    def work(patience: Patience) -> int:
        seen.append(patience.is_short)
        if patience.is_short:
            raise_too_long()
        raise OutputBroken("bad")

    with pytest.raises(OutputBroken, match="bad"):
        asyncio.run(beside(work))
    assert seen == [True, False]


def raise_too_long() -> None:
    from nano_flow.source.judging.meter import TooLong

    raise TooLong
