"""Pages and programs hear of what was written, by whomever, and nothing is looked at while nobody listens."""

from __future__ import annotations

import asyncio

from nano_flow.core.errors import StoreError
from nano_flow.web.live.follow import Follower
from nano_flow.web.live.stream import changes
from tests.web.shop import Shop


def test_a_change_is_told_to_all_who_listen_and_to_nobody_else() -> None:
    async def story() -> None:
        versions = [1, 1, 2]
        follower = Follower(lambda: versions.pop(0) if len(versions) > 1 else versions[0], seconds=0)
        async with follower.listening() as one, follower.listening() as other:
            assert follower.listeners == 2
            async with asyncio.timeout(5):
                await one.wait()
                await other.wait()
        assert follower.listeners == 0
        await follower.close()

    asyncio.run(story())


def test_a_store_that_cannot_be_read_is_no_end() -> None:
    async def story() -> None:
        answers: list[int | None] = [None, None, 7, 7]

        def version() -> int:
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if answer is None:
                raise StoreError("state.db", "locked")
            return answer

        follower = Follower(version, seconds=0)
        async with follower.listening() as changed, asyncio.timeout(5):
            await changed.wait()
        await follower.close()

    asyncio.run(story())


def test_the_stream_of_changes_ends_with_the_server() -> None:
    async def story() -> list[str]:
        over, follower, heard = asyncio.Event(), Follower(lambda: 1, seconds=0), list[str]()
        async with asyncio.timeout(5):
            async for piece in changes(follower, over):
                heard.append(piece)
                if len(heard) == 1:
                    asyncio.get_running_loop().call_soon(lambda: follower.tell())
                else:
                    over.set()
        await follower.close()
        return heard

    heard = asyncio.run(story())
    assert "event: open" in heard[0] and "event: changed" in heard[1]


def test_what_another_process_writes_changes_the_version(shop: Shop) -> None:
    watch = shop.store.watch()
    assert watch.version() == 0
    shop.run("broken.yaml", code=1)
    first = watch.version()
    assert watch.version() == first
    shop.run("broken.yaml", code=1)
    assert watch.version() != first
    watch.close()
