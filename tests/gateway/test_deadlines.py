"""Timeouts stand still while an adapter is made, and go on where they stood."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from nano_flow.core.events import CallFinished
from nano_flow.gateway.sending.deadlines import counted, standing_still
from nano_flow.testing.time import LoopClock, run_jumping
from tests.gateway.fakes import FakeProvider, World, ask


async def within(seconds: float | None, work: Callable[[], Awaitable[object]]) -> None:
    async with LoopClock().timeout(seconds) as deadline:
        with counted(deadline):
            await work()


def test_what_passes_while_they_stand_still_counts_against_none_of_the_timeouts_around() -> None:
    async def work() -> None:
        await asyncio.sleep(1)
        with standing_still():
            await asyncio.sleep(100)
        await asyncio.sleep(1.5)

    run_jumping(within(3, lambda: within(2.9, work)))
    run_jumping(within(None, work))
    for outer, inner in ((3.0, 2.0), (2.0, 3.0)):
        with pytest.raises(TimeoutError):
            run_jumping(within(outer, lambda inner=inner: within(inner, work)))  # type: ignore[misc]


def test_steps_beside_each_other_wait_for_the_same_adapter() -> None:
    async def work() -> None:
        async def one() -> None:
            with standing_still():
                await asyncio.sleep(50)

        await asyncio.gather(one(), one())
        await asyncio.sleep(1)

    run_jumping(within(2, work))


def test_a_block_that_was_left_meanwhile_is_let_be() -> None:
    async def main() -> None:
        async def late() -> None:
            with standing_still():
                await asyncio.sleep(50)

        tasks: list[asyncio.Task[None]] = []

        async def start() -> None:
            tasks.append(asyncio.create_task(late()))
            await asyncio.sleep(0)

        await within(2, start)
        await tasks[0]

    run_jumping(main())


def test_the_first_call_of_a_step_may_take_as_long_as_an_import() -> None:
    class Slow(World):
        async def ready(self, name: str) -> FakeProvider:
            await asyncio.sleep(30)
            return await super().ready(name)

    world = Slow(clock=cast(Any, LoopClock()))
    run_jumping(within(2, lambda: world.gateway().call(ask(timeout_s=2.0))))
    (finished,) = cast(list[CallFinished], world.of(CallFinished))
    assert finished.duration_s < 1
