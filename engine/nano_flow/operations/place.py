"""Where an operation happens: a project's state, the policy files in force, the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nano_flow.locate import PolicyFile, policy_files

if TYPE_CHECKING:
    from nano_flow.ports.store import Store


@dataclass(frozen=True, slots=True)
class Place:
    """One project, as an operation finds it. ``state`` is the folder of what nano-flow remembers."""

    state: Path
    config_dir: Path | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    current: Path = field(default_factory=Path.cwd)
    fixed: str | None = None
    """The address of its store where that was looked up once and for all."""
    home: Path | None = None
    """Whose service.yaml names the store, where a workflow of another project is run; None: that of ``current``."""

    @property
    def address(self) -> str:
        """Where the store in force is; empty: in the state folder. Raises DocumentError."""
        if self.fixed is not None:
            return self.fixed
        from nano_flow.adapters import store_address  # what opens no store loads no adapter

        return store_address(self.home or self.current, self.config_dir, self.environ)

    def settled(self) -> Place:
        """The same for what lives long: it stays with one store while service.yaml is edited. Raises DocumentError."""
        return replace(self, fixed=self.address)

    @property
    def store(self) -> Store:
        """The store in force; nothing is connected or made yet.

        Raises UsageError for an address of no known kind, DocumentError for a service.yaml that cannot be read.
        """
        from nano_flow.adapters import store_at

        return store_at(self.address, self.state)

    def policy(self, workflow: Path | None = None) -> tuple[PolicyFile, ...]:
        """The providers, routing and pricing files in force for ``workflow`` (None: for the current folder)."""
        folder = self.current if workflow is None else workflow.absolute().parent
        return policy_files(folder, self.config_dir, self.current)

    def policy_names(self, files: Sequence[PolicyFile]) -> list[str]:
        """The policy files as people read them, each with what it adds to."""
        from nano_flow.project.extending import described

        return [described(file) for file in files]
