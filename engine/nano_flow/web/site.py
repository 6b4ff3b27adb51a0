"""What a server is made of: the project it shows, its store, its tokens, what it may do."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nano_flow.journals.sqlite import open_store
from nano_flow.project.service.reading import Service, service_in_force
from nano_flow.web.book import Book
from nano_flow.web.live.follow import Follower
from nano_flow.web.security.origins import Origins
from nano_flow.web.security.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Site:
    """One project as a server shows it."""

    root: Path
    """The folder in which the server was started: workflows are found below it."""
    state: Path
    tokens: Tokens
    origins: Origins
    config_dir: Path | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    now: Callable[[], float] = time.time
    book: Book = field(init=False)
    follower: Follower = field(init=False)

    def __post_init__(self) -> None:
        store = open_store(self.state)
        object.__setattr__(self, "book", Book(store))
        object.__setattr__(self, "follower", Follower(store.data_version))

    def service(self) -> Service:
        """The service.yaml in force, as it stands now. Raises DocumentError."""
        return service_in_force(self.root, self.config_dir, self.environ)
