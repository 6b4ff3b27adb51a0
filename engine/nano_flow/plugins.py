"""What installed packages add: adapters and ways to choose, found by entry points when one is named, never before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

from nano_flow.core.errors import UsageError

Group = Literal["providers", "tools", "caches", "sinks", "stores", "choosers"]


_lent: ContextVar[Mapping[str, Callable[..., object]]] = ContextVar("lent")


@contextmanager
def lending(tools: Mapping[str, Callable[..., object]]) -> Iterator[None]:
    """Inside the block runs of this task also have ``tools``, which the program around the engine brings."""
    token = _lent.set(tools)
    try:
        yield
    finally:
        _lent.reset(token)


def lent(name: str) -> Callable[..., object] | None:
    """What makes the tool ``name`` of the program around the engine; None where it brings none of that name."""
    return _lent.get({}).get(name)


def installed(group: Group) -> list[str]:
    """The names that installed packages offer in ``nano_flow.GROUP``."""
    from importlib.metadata import entry_points

    own = _lent.get({}) if group == "tools" else ()
    return sorted({entry.name for entry in entry_points(group=f"nano_flow.{group}")} | set(own))


def load(group: Group, name: str) -> object:
    """What the package offers under ``name``; None where no package does. Raises UsageError where it cannot be loaded.

    Only what somebody installed is ever imported: a document, a store or a reply names it, but does not bring it.
    """
    from importlib.metadata import entry_points

    found = [entry for entry in entry_points(group=f"nano_flow.{group}") if entry.name == name]
    if not found:
        return None
    try:
        return found[0].load()
    except (ImportError, AttributeError, SyntaxError) as error:
        what = f"{type(error).__name__}: {error}"
        raise UsageError(
            f'the installed "{name}" of nano_flow.{group} ({found[0].value}) cannot be loaded: {what}'
        ) from error
