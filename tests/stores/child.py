"""A process that writes through the journal until it is killed: run by test_crash, never imported by it.

Prints the turn of each call once it is durable. ``python child.py FOLDER [LIMIT]``: no file may grow beyond ``LIMIT``
bytes.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys

from nano_flow.core.errors import StoreError
from nano_flow.stores.sqlite.store import open_store
from tests.stores.samples import finished, intended, run_record, started


async def main(folder: str) -> None:
    journal = open_store(folder).create_run(run_record())
    await journal.durable(started())

    async def one(turn: int) -> None:
        await journal.durable(intended(turn=turn))
        os.write(1, f"sent {turn}\n".encode())
        await journal.durable(finished(turn=turn))
        os.write(1, f"paid {turn}\n".encode())

    turn = 0
    while True:
        await asyncio.gather(*(one(number) for number in range(turn, turn + 16)))
        turn += 16


if __name__ == "__main__":
    if len(sys.argv) > 2:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    try:
        asyncio.run(main(sys.argv[1]))
    except StoreError as error:
        os.write(1, f"stopped {error}\n".encode())
        sys.exit(error.exit_code)
