"""What a server is made of: the project it shows, its store, its tokens, what it may do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from nano_flow.operations.models.metrics import StoreMetrics
from nano_flow.operations.place import Place
from nano_flow.operations.service.inforce import Service, service_of
from nano_flow.ports.store import Store
from nano_flow.web.book import Book
from nano_flow.web.lately import Lately
from nano_flow.web.live.follow import Follower
from nano_flow.web.rendering.drawn import Drawings
from nano_flow.web.security.origins import Origins
from nano_flow.web.security.tokens import Tokens

if TYPE_CHECKING:
    from nano_flow.web.machines import Guest


@dataclass(frozen=True)
class Site:
    """One project as a server shows it; ``place.current`` is the folder in which the server was started."""

    place: Place
    tokens: Tokens
    origins: Origins
    now: Callable[[], float] = time.time
    mcp: Guest | None = None
    """The MCP server at ``/mcp``, where its extra is installed."""

    @property
    def root(self) -> Path:
        """Workflows are found below it."""
        return self.place.current

    @cached_property
    def store(self) -> Store:
        """The store in force."""
        return self.place.store

    @cached_property
    def book(self) -> Book:
        """What is read of the store."""
        return Book(self.store)

    @cached_property
    def metrics(self) -> StoreMetrics:
        """Counts of what happens from the first look on."""
        return StoreMetrics(self.place)

    @cached_property
    def lately(self) -> Lately:
        """How providers have answered."""
        return Lately(self.place, self.now)

    @cached_property
    def drawings(self) -> Drawings:
        """The graphs of runs."""
        return Drawings(self.place)

    @cached_property
    def follower(self) -> Follower:
        """Who is told that the store changed."""
        return Follower(self.store.watch().version)

    def service(self) -> Service:
        """The service.yaml in force, as it stands now. Raises DocumentError."""
        return service_of(self.place)
