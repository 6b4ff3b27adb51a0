"""Timeouts of steps stand still while an adapter is made: to import it takes seconds that no model is to blame for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

_RUNNING: ContextVar[tuple[asyncio.Timeout, ...]] = ContextVar("deadlines", default=())


@contextmanager
def counted(deadline: object) -> Iterator[None]:
    """Let ``standing_still`` know of the timeout in whose block this is; those of a fake clock are its own affair."""
    if not isinstance(deadline, asyncio.Timeout):
        yield
        return
    token = _RUNNING.set((*_RUNNING.get(), deadline))
    try:
        yield
    finally:
        _RUNNING.reset(token)


@contextmanager
def standing_still() -> Iterator[None]:
    """What passes in this block counts against none of the timeouts around it."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    ends = [(deadline, end) for deadline in _RUNNING.get() if (end := deadline.when()) is not None]
    ends = [(deadline, end) for deadline, end in ends if not deadline.expired()]
    for deadline, _ in ends:
        deadline.reschedule(None)
    try:
        yield
    finally:
        passed = loop.time() - began
        for deadline, end in ends:
            with suppress(RuntimeError):  # its block was left meanwhile: there is nothing to end any more
                deadline.reschedule(end + passed)
