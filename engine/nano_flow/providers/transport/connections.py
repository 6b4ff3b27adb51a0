"""LiteLLM keeps its connections for all who call it in one event loop; they are closed when the last of ours goes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from types import ModuleType


@dataclass(slots=True)
class _Shared:
    """The adapters that use the connections of one loop; those in ``before`` were there first: somebody else's."""

    before: frozenset[str]
    ending: str
    """How the keys of its clients end."""
    users: int = 0


_LOOPS: WeakKeyDictionary[asyncio.AbstractEventLoop, _Shared] = WeakKeyDictionary()


class Connections:
    """One adapter's share."""

    def __init__(self, litellm: ModuleType) -> None:
        self._litellm = litellm
        self._loop: asyncio.AbstractEventLoop | None = None

    def use(self) -> None:
        """A call is about to be made: what it opens stays open until this adapter, too, has released it."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        self._loop = loop
        if loop not in _LOOPS:
            ending = self._ending()
            there = frozenset(key for key, client in self._of(ending).items() if _is_open(client, loop))
            _LOOPS[loop] = _Shared(there, ending)
        _LOOPS[loop].users += 1

    async def release(self) -> None:
        """This adapter calls no more; where it was the last one, the connections are closed."""
        loop, self._loop = self._loop, None
        shared = _LOOPS.get(loop) if loop is not None else None
        if loop is None or shared is None:
            return
        shared.users -= 1
        if shared.users:
            return
        del _LOOPS[loop]
        ours = {key: client for key, client in self._of(shared.ending).items() if key not in shared.before}
        for kept in self._kept():  # all of them before the first is closed: whoever comes meanwhile must find none
            for key in ours:
                kept.pop(key, None)
        theirs = vars(self._litellm).get("aclient_session")
        for client in ours.values():
            if theirs is None or _inner(client) is not theirs:  # what the program around us lent to LiteLLM stays open
                await _close(client)
        last = vars(self._litellm).get("module_level_aclient")  # kept for ever: only what it holds is closed
        if _is_open(last, loop):
            await _close_part(_transport(last))

    def _kept(self) -> tuple[MutableMapping[str, object], ...]:
        """LiteLLM's clients by key, and when each of them is to be forgotten."""
        cache = self._litellm.in_memory_llm_clients_cache
        return (cache.cache_dict, cache.ttl_dict)

    def _ending(self) -> str:
        """What LiteLLM puts at the end of the keys of the running loop's clients."""
        named = getattr(self._litellm.in_memory_llm_clients_cache, "update_cache_key_with_event_loop", None)
        return str(named("")) if named is not None else f"-{id(asyncio.get_running_loop())}"

    def _of(self, ending: str) -> Mapping[str, object]:
        """The clients of one loop."""
        clients = dict(self._kept()[0])
        return {key: client for key, client in clients.items() if key.endswith(ending)}


async def _close(client: object) -> None:
    """Close a handler of LiteLLM's or a vendor's client: what is inside is an httpx client, and its transport."""
    for part in (_transport(client), _inner(client)):
        await _close_part(part)


async def _close_part(part: object) -> None:
    close: Callable[[], Awaitable[None]] | None = getattr(part, "aclose", None)
    if close is not None:
        with suppress(RuntimeError, OSError):  # closed already, or never opened
            await close()


def _inner(client: object) -> object:
    return getattr(client, "_client", None) or getattr(client, "client", None) or client


def _transport(client: object) -> object:
    return getattr(_inner(client), "_transport", None)


def _is_open(client: object, loop: asyncio.AbstractEventLoop) -> bool:
    """Whether it holds connections of this loop; what LiteLLM only prepared, or a loop before it left, is nobody's."""
    session = getattr(_transport(client), "client", None)
    return getattr(session, "closed", True) is False and getattr(session, "_loop", None) is loop
