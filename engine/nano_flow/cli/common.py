"""What every command is told: the global options, as one frozen value, and how a command asks for them."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, Literal, ParamSpec, TypeVar

import click

from nano_flow.locate import PolicyFile, policy_files, project_folder, state_folder, store_folder

if TYPE_CHECKING:
    from nano_flow.operations.place import Place

P = ParamSpec("P")
R = TypeVar("R")
Color = Literal["auto", "always", "never"]
_META = "nano_flow.options"
_VARIABLES = "nano_flow.variables"


@dataclass(frozen=True, slots=True)
class Options:
    """The global options; when a command sees them, ``-C`` is obeyed and ``--env-file`` is in the environment."""

    config_dir: Path | None = None
    env_file: Path | None = None
    color: Color = "auto"
    verbosity: int = 0
    """-1 under ``-q``, the number of ``-v`` otherwise."""
    json: bool = False
    """Stdout is one JSON document; under ``events`` one JSON object a line."""
    events: bool = False
    no_input: bool = False
    state_dir: Path | None = None
    """As given; ``state`` is the folder in force."""
    no_env_file: bool = False
    """The ``.env`` beside the project is not read."""
    project: Path | None = None
    """The folder of the project, where it is not that of the current folder."""
    started: Path | None = None
    """The folder of the caller's shell, where ``-C`` led to another one."""
    home: Path | None = None
    """Whose service.yaml names the store, where a workflow of another project is run."""

    @property
    def state(self) -> Path:
        """The folder that holds the store; nothing is written anywhere else but the workspace."""
        return state_folder(self.state_dir, os.environ, Path.cwd())

    def beside(self, workflow: Path) -> Options:
        """The same for a command that is given ``workflow``: its state is found from the workflow's folder, too."""
        state = state_folder(self.state_dir, os.environ, Path.cwd(), workflow.parent)
        found = replace(self, project=project_folder(Path.cwd(), workflow.parent))
        home = store_folder(Path.cwd(), workflow.parent)
        chosen = found if state == self.state else replace(found, state_dir=state)
        return chosen if home == Path.cwd() else replace(chosen, home=home)

    @property
    def words(self) -> str:
        """What a command must hold that the caller types next, to find the same state; mostly nothing."""
        found = state_folder(None, os.environ, self.started or Path.cwd())
        if os.path.abspath(found) == os.path.abspath(self.state):
            return ""
        return f"--state-dir {shlex.quote(os.path.abspath(self.state))}"

    def typed(self, command: str) -> str:
        """``command`` of nano-flow as the caller can type it."""
        return " ".join(filter(None, ("nano-flow", self.words, command)))

    @property
    def place(self) -> Place:
        """The project that operations are asked about."""
        from nano_flow.operations.place import Place

        return Place(self.state, self.config_dir, self._variables(), home=self.home)

    def _variables(self) -> Mapping[str, str]:
        """The environment, filled up with the ``.env`` beside the project; read once a command."""
        if self.no_env_file:
            return os.environ
        folder = self.project or project_folder(Path.cwd())
        context = click.get_current_context(silent=True)
        known = {} if context is None else context.meta.setdefault(_VARIABLES, {})
        if folder not in known:
            from nano_flow.operations.project.variables import variables_beside

            known[folder] = found = variables_beside(folder, os.environ)
            if found.passed_over and self.verbosity >= 0:
                names = ", ".join(found.passed_over)
                click.echo(f"{found.path}: {names}: programs obey such variables; set them in the shell", err=True)
        variables: Mapping[str, str] = known[folder]
        return variables

    def policy(self, workflow: Path | None = None) -> tuple[PolicyFile, ...]:
        """The providers, routing and pricing files in force for ``workflow`` (None: for the current folder)."""
        folder = Path.cwd() if workflow is None else workflow.absolute().parent
        return policy_files(folder, self.config_dir, Path.cwd())

    @property
    def may_ask(self) -> bool:
        """True where a person can be prompted: a terminal at both ends and no ``--no-input``, no ``--json``."""
        return not (self.no_input or self.json) and _is_terminal("stdin") and _is_terminal("stderr")


def options_of(context: click.Context) -> Options:
    """The options given so far, before and after the command."""
    given = context.meta.get(_META)
    return given if isinstance(given, Options) else Options()


def give(context: click.Context, **changes: object) -> None:
    """Note options that were given; called by the frame's option callbacks."""
    context.meta[_META] = replace(options_of(context), **changes)  # type: ignore[arg-type]


def pass_options(function: Callable[Concatenate[Options, P], R]) -> Callable[P, R]:
    """Hand the frozen ``Options`` to a command as its first argument."""

    def with_options(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(options_of(click.get_current_context()), *args, **kwargs)

    return update_wrapper(with_options, function)


def _is_terminal(name: Literal["stdin", "stderr"]) -> bool:
    return (sys.stdin if name == "stdin" else sys.stderr).isatty()
