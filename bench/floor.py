"""What the scheduler is compared with: asyncio's TaskGroup, in-degrees, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence


async def run_bare(needs: Mapping[int, Sequence[int]]) -> int:
    """Run a no-op per node as soon as its needs are done; the number of nodes that ran."""
    waiting = {node: len(above) for node, above in needs.items()}
    below: dict[int, list[int]] = {node: [] for node in needs}
    for node, above in needs.items():
        for one in above:
            below[one].append(node)
    done = 0

    async def work(node: int) -> None:
        nonlocal done
        done += 1
        for after in below[node]:
            waiting[after] -= 1
            if not waiting[after]:
                group.create_task(work(after))

    async with asyncio.TaskGroup() as group:
        for node, count in list(waiting.items()):
            if not count:
                group.create_task(work(node))
    return done
