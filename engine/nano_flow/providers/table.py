"""From the providers that are declared to adapters, each made when its first call is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock

from nano_flow.core.errors import BadRequest, ProviderError, ServerFailed
from nano_flow.core.messages import ChatReply, ChatRequest, Json
from nano_flow.core.redact import Redactor
from nano_flow.ports import ChatProvider, Clock
from nano_flow.providers.cards import Endpoint, ProviderFacts
from nano_flow.providers.direct.session import Sessions
from nano_flow.providers.environment import expand, first_complete

ENTRY_POINTS = "nano_flow.providers"
"""The group under which other packages register ``factory(endpoint, options, clock) -> ChatProvider``."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What adapters are made with. ``script`` replaces that of the simulator's own options (tests)."""

    clock: Clock
    environ: Mapping[str, str]
    script: Mapping[str, Json] | None = None
    sessions: Sessions = field(default_factory=Sessions)
    """The connections that adapters without a library share."""


_IMPORTING = Lock()
"""Held by the thread that makes an adapter: runs of one process, each with a table of its own, take turns."""
Factory = Callable[[ProviderFacts, Surroundings], ChatProvider]


class ProviderTable:
    """The adapters of one run."""

    def __init__(self, cards: Mapping[str, ProviderFacts], surroundings: Surroundings) -> None:
        self._cards = cards
        self._surroundings = surroundings
        self._made: dict[str, ChatProvider] = {}
        self._making = asyncio.Lock()

    def get(self, name: str) -> ChatProvider:
        """The adapter of the provider ``name``. ProviderError where there is none."""
        made = self._made.get(name)
        if made is None:
            card = self._cards.get(name)
            if card is None:
                raise BadRequest(f'the provider "{name}" is not declared in providers.yaml')
            made = self._made[name] = make_provider(card, self._surroundings)
        return made

    async def ready(self, name: str) -> ChatProvider:
        """As ``get``; imports what takes seconds in a thread, so that the steps beside it, and Ctrl-C, do not wait."""
        card = self._cards.get(name)
        if name in self._made or card is None or card.adapter == "sim":
            return self.get(name)
        async with self._making:
            return self.get(name) if name in self._made else await asyncio.to_thread(self._alone, name)

    def _alone(self, name: str) -> ChatProvider:
        """As ``get``, one thread at a time: a large library that two of them import at once is found half made."""
        with _IMPORTING:
            return self.get(name)

    async def close(self) -> None:
        """Close every adapter that was made."""
        while self._made:
            _, provider = self._made.popitem()
            await provider.close()
        await self._surroundings.sessions.close()


def make_provider(card: ProviderFacts, surroundings: Surroundings) -> ChatProvider:
    """One adapter, by ``adapter:``, ``api:`` or ``litellm:``."""
    if card.api:
        return _direct(card, surroundings)
    factory = FACTORIES.get(card.adapter or "litellm")
    if factory is not None:
        return factory(card, surroundings)
    return _from_entry_point(card, surroundings)


def endpoint_of(card: ProviderFacts, environ: Mapping[str, str]) -> Endpoint:
    """The provider with its variables put in."""
    settings = {name: expand(text, environ) for name, text in card.settings.items()}
    place = first_complete(card.credentials, environ)
    keys = {} if place is None else {name: environ[name] for name in card.credentials[place]}
    roles = card.roles[place] if place is not None and place < len(card.roles) else {}
    parts = {role: environ[name] for role, name in roles.items()}
    return Endpoint(
        name=card.name,
        litellm=card.service,
        settings=settings,
        keys=keys,
        models=card.models,
        parts=parts,
        platform=card.platform,
        api=card.api or "",
        headers={name: expand(text, environ) for name, text in card.headers.items()},
    )


def registered_adapters() -> Sequence[str]:
    """The names under which installed packages offer adapters."""
    from importlib.metadata import entry_points

    return sorted(entry.name for entry in entry_points(group=ENTRY_POINTS))


def _simulated(card: ProviderFacts, surroundings: Surroundings) -> ChatProvider:
    from nano_flow.providers.sim import SimOptions, SimProvider

    windows = {name: model.context_window for name, model in card.models.items() if model.context_window}
    extra = dict(card.extra)
    if surroundings.script is not None:
        extra["script"] = surroundings.script
    return SimProvider(surroundings.clock, SimOptions.read(extra, windows))


def _litellm(card: ProviderFacts, surroundings: Surroundings) -> ChatProvider:
    from nano_flow.providers.litellm import LiteLLMProvider

    return LiteLLMProvider(endpoint_of(card, surroundings.environ), surroundings.clock)


def _direct(card: ProviderFacts, surroundings: Surroundings) -> ChatProvider:
    from nano_flow.providers.direct.adapter import DirectProvider

    return DirectProvider(endpoint_of(card, surroundings.environ), surroundings.clock, surroundings.sessions)


FACTORIES: Mapping[str, Factory] = {"litellm": _litellm, "sim": _simulated}
"""Adapters of this package; others come by entry point."""


def _from_entry_point(card: ProviderFacts, surroundings: Surroundings) -> ChatProvider:
    from importlib.metadata import entry_points

    found = [entry for entry in entry_points(group=ENTRY_POINTS) if entry.name == card.adapter]
    if not found:
        known = ", ".join([*FACTORIES, *registered_adapters()])
        message = f'the adapter "{card.adapter}" of the provider "{card.name}" is not installed; known: {known}'
        raise BadRequest(message)
    endpoint = endpoint_of(card, surroundings.environ)
    try:
        return ForeignProvider(found[0].load()(endpoint, dict(card.extra), surroundings.clock))
    except ProviderError:
        raise
    except (Exception, SystemExit) as error:  # the edge of a foreign adapter, see below
        why = Redactor(endpoint.secrets).text(f"{type(error).__name__}: {error}")
        raise BadRequest(
            f'the adapter "{card.adapter}" of the provider "{card.name}" ({found[0].value}) cannot be used: {why}'
        ) from error


class ForeignProvider:
    """An adapter from another package: whatever it raises reaches the engine as a ``ProviderError``."""

    def __init__(self, provider: ChatProvider) -> None:
        self._provider = provider

    async def complete(self, request: ChatRequest, on_text: Callable[[str], None] | None = None) -> ChatReply:
        """Answer one request."""
        try:
            reply = await self._provider.complete(request, on_text)
        except (ProviderError, TimeoutError):
            raise
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            raise _defect(request, "it was cancelled inside") from error
        except (
            Exception,
            SystemExit,
        ) as error:  # the edge of a foreign adapter: its defects must not be taken for ours
            raise _defect(request, f"{type(error).__name__}: {error}") from error
        if not isinstance(reply, ChatReply):
            raise _defect(request, f"it answered with a {type(reply).__name__}, not a ChatReply")
        return reply

    async def close(self) -> None:
        """Release what it holds; the run is over, whatever becomes of that."""
        with suppress(Exception):
            await self._provider.close()


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _defect(request: ChatRequest, what: str) -> ServerFailed:
    failed = ServerFailed(f'the adapter of "{request.model.provider}" failed: {what}')
    failed.maybe_billed = True
    return failed
