"""Judging what came in, beside the loop where it may take long: timeouts and Ctrl-C are obeyed meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from nano_flow.core.messages import Json
from nano_flow.source.judging.meter import AT_ONCE, Patience, TooLong
from nano_flow.steps.output import check_schema, read_output

_T = TypeVar("_T")


async def judged(value: Json, schema: Mapping[str, Json]) -> None:
    """``check_schema`` without keeping anybody waiting. Raises OutputBroken."""
    await beside(lambda patience: check_schema(value, schema, patience))


async def output_of(text: str, schema: Mapping[str, Json]) -> Json:
    """``read_output`` without keeping anybody waiting. Raises OutputBroken."""
    return await beside(lambda patience: read_output(text, schema, patience))


async def beside(work: Callable[[Patience], _T]) -> _T:
    """What ``work`` returns. It is tried here first; what takes longer than a moment begins anew in a thread.

    Cancelling this tells the thread to stop, which it hears within a thousand steps.
    """
    try:
        return work(AT_ONCE)
    except TooLong:
        over = threading.Event()
    try:
        return await asyncio.to_thread(work, Patience(stop=over.is_set))
    finally:
        over.set()
