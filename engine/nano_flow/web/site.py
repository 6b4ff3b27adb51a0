"""What a server is made of: the project it shows, its store, its tokens, what it may do."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from nano_flow.ports.store import Store
from nano_flow.project.service.reading import Service, service_in_force
from nano_flow.web.book import Book
from nano_flow.web.drawn import Drawings
from nano_flow.web.live.follow import Follower
from nano_flow.web.security.origins import Origins
from nano_flow.web.security.tokens import Tokens


@dataclass(frozen=True)
class Site:
    """One project as a server shows it. ``root`` is the folder in which the server was started."""

    root: Path
    state: Path
    store: Store
    tokens: Tokens
    origins: Origins
    config_dir: Path | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    now: Callable[[], float] = time.time

    @cached_property
    def book(self) -> Book:
        """What is read of the store."""
        return Book(self.store)

    @cached_property
    def drawings(self) -> Drawings:
        """The graphs of runs."""
        return Drawings(self.config_dir)

    @cached_property
    def follower(self) -> Follower:
        """Who is told that the store changed."""
        return Follower(self.store.watch().version)

    def service(self) -> Service:
        """The service.yaml in force, as it stands now. Raises DocumentError."""
        return service_in_force(self.root, self.config_dir, self.environ)
