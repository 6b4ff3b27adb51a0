"""Where an operation happens: a project's state, the policy files in force, the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nano_flow.adapters import open_store
from nano_flow.locate import PolicyFile, policy_files
from nano_flow.ports.store import Store


@dataclass(frozen=True, slots=True)
class Place:
    """One project, as an operation finds it. ``state`` is the folder of what nano-flow remembers."""

    state: Path
    config_dir: Path | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    current: Path = field(default_factory=Path.cwd)

    @property
    def store(self) -> Store:
        """The store in force; nothing is connected or made yet. Raises UsageError for an address of no known kind."""
        return open_store(self.state, self.environ)

    def policy(self, workflow: Path | None = None) -> tuple[PolicyFile, ...]:
        """The providers, routing and pricing files in force for ``workflow`` (None: for the current folder)."""
        folder = self.current if workflow is None else workflow.absolute().parent
        return policy_files(folder, self.config_dir, self.current)

    def policy_names(self, files: Sequence[PolicyFile]) -> list[str]:
        """The policy files as people read them, each with what it adds to."""
        from nano_flow.project.extending import described

        return [described(file) for file in files]
