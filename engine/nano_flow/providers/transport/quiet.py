"""LiteLLM's own books left shut: it logs, times and prices each call by its own list, a sixth of its work.

Nobody here reads any of it. Other users of LiteLLM in the same process keep theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType

_ours: ContextVar[bool] = ContextVar("ours", default=False)


def hush(litellm: ModuleType) -> None:
    """Let calls inside ``unreported`` go without prices and times; a version that takes none is left as it is."""
    utils = litellm.utils
    report: Callable[..., None] | None = getattr(utils, "update_response_metadata", None)
    if report is None or getattr(report, "hushed", False):
        return

    def unless_ours(*arguments: object, **more: object) -> None:
        if not _ours.get():
            report(*arguments, **more)

    unless_ours.hushed = True  # type: ignore[attr-defined]
    utils.update_response_metadata = unless_ours


@contextmanager
def unreported(litellm: ModuleType) -> Iterator[None]:
    """Inside the block LiteLLM's calls are not logged, timed or priced."""
    internal = getattr(getattr(litellm, "_internal_context", None), "is_internal_call", None)
    marks: list[ContextVar[bool]] = [_ours] if internal is None else [_ours, internal]
    tokens = [mark.set(True) for mark in marks]
    try:
        yield
    finally:
        for mark, token in zip(marks, tokens, strict=True):
            mark.reset(token)
