"""Where things are: the repository's root, the state folder and the policy files in force."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nano_flow.bundled import bundled_path
from nano_flow.core.errors import UsageError

PolicyName = Literal["providers.yaml", "routing.yaml", "pricing.yaml"]
POLICY_NAMES: tuple[PolicyName, ...] = ("providers.yaml", "routing.yaml", "pricing.yaml")
STATE_FOLDER = ".nano-flow"
SERVICE_NAME = "service.yaml"


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """One of the three policy files and where it was found."""

    name: PolicyName
    path: Path
    found: Literal["config-dir", "project", "user", "bundled"]


def repository_root(start: Path) -> Path | None:
    """The nearest of ``start`` and its parents that holds ``.git``; None outside a repository."""
    start = start.absolute()
    return next((folder for folder in (start, *start.parents) if is_there(folder / ".git")), None)


def project_root(start: Path) -> Path | None:
    """The folder of the project that ``start`` is in; None where nothing says that there is one.

    The repository's root. Outside a repository the nearest folder that holds ``.nano-flow``, else the highest that
    holds a policy file.
    """
    root = repository_root(start)
    if root is not None:
        return root
    ours = [folder for folder in (start.absolute(), *start.absolute().parents) if _may_be_a_project(folder)]
    kept = next((folder for folder in ours if (folder / STATE_FOLDER).is_dir()), None)
    ruled = (folder for folder in reversed(ours) if any(is_there(folder / name) for name in POLICY_NAMES))
    return kept or next(ruled, None)


def state_folder(
    chosen: Path | None, environment: Mapping[str, str], current: Path, workflow_folder: Path | None = None
) -> Path:
    """``--state-dir``, else ``NANO_FLOW_STATE``, else ``.nano-flow`` of the project, else of ``current``.

    The project is that of ``current``, unless a workflow is run that lies in another one: then it is the workflow's,
    where whoever looks for the run will type.
    """
    if chosen is not None:
        return current / chosen
    if environment.get("NANO_FLOW_STATE"):
        return current / environment["NANO_FLOW_STATE"]
    return project_folder(current, workflow_folder) / STATE_FOLDER


def project_folder(current: Path, workflow_folder: Path | None = None) -> Path:
    """The folder of the project: that of ``current``, or of a workflow that lies in another one; else ``current``."""
    here = project_root(current) or current.absolute()
    return here if workflow_folder is None else _home_of(Path(os.path.abspath(workflow_folder)), here)


def store_folder(current: Path, workflow_folder: Path | None = None) -> Path:
    """The folder whose service.yaml names the store: ``current``, or that of a workflow of another project."""
    here = project_root(current) or current.absolute()
    if workflow_folder is None or _home_of(Path(os.path.abspath(workflow_folder)), here) == here:
        return current
    return Path(os.path.abspath(workflow_folder))


def policy_files(workflow_folder: Path, config_dir: Path | None, current: Path) -> tuple[PolicyFile, ...]:
    """The three policy files in force for a workflow in ``workflow_folder``, each looked up on its own.

    Raises UsageError where ``config_dir`` is not a folder.
    """
    if config_dir is not None and not config_dir.is_dir():
        raise UsageError(f'"{config_dir}" is not a folder; --config-dir wants one that holds {", ".join(POLICY_NAMES)}')
    folders = tuple(_project_folders(workflow_folder.absolute(), current.absolute()))
    return tuple(_policy_file(name, config_dir, folders) for name in POLICY_NAMES)


def user_folder(environment: Mapping[str, str]) -> Path:
    """The user's own configuration: its policy files take the place of the shipped ones where a project has none."""
    return Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "nano-flow"


def is_there(path: Path) -> bool:
    """True for whatever stands at ``path``: also a link to nowhere, a folder, or something that may not be looked at.

    Whoever reads it then says why it cannot be read. ``exists`` and ``is_file`` would call it absent, and a rule that
    somebody wrote would silently be replaced by the shipped one.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def service_file(workflow_folder: Path, config_dir: Path | None, current: Path) -> Path | None:
    """The service.yaml in force for a workflow in ``workflow_folder``, looked up like a policy file."""
    folders = (
        *((config_dir,) if config_dir else ()),
        *_project_folders(workflow_folder.absolute(), current.absolute()),
    )
    return next((folder / SERVICE_NAME for folder in folders if is_there(folder / SERVICE_NAME)), None)


def _home_of(workflow_folder: Path, here: Path) -> Path:
    root = repository_root(workflow_folder)
    if root is None and not workflow_folder.is_relative_to(here):
        root = project_root(workflow_folder)
    return root or here


def _may_be_a_project(folder: Path) -> bool:
    """Not the user's home, and no folder where somebody else may have put a file that would decide (``/tmp``)."""
    try:
        status = folder.stat()
    except OSError:
        return False
    ours = sys.platform == "win32" or status.st_uid == os.getuid()
    return ours and not status.st_mode & stat.S_IWOTH and str(folder) != os.path.expanduser("~")


def _policy_file(name: PolicyName, config_dir: Path | None, folders: tuple[Path, ...]) -> PolicyFile:
    if config_dir is not None and is_there(config_dir / name):
        return PolicyFile(name, config_dir / name, "config-dir")
    for folder in folders:
        if is_there(folder / name):
            return PolicyFile(name, folder / name, "project")
    theirs = user_folder(os.environ) / name
    if is_there(theirs):
        return PolicyFile(name, theirs, "user")
    return PolicyFile(name, bundled_path(name), "bundled")


def _project_folders(workflow_folder: Path, current: Path) -> Iterator[Path]:
    """The workflow's folder and its parents up to the repository's root.

    Outside a repository the walk ends at the current folder, or at once: a file in a folder above that the
    user never named must not decide which provider a prompt is sent to.
    """
    last = repository_root(workflow_folder)
    if last is None:
        last = current if workflow_folder.is_relative_to(current) else workflow_folder
    for folder in (workflow_folder, *workflow_folder.parents):
        yield folder
        if folder == last:
            return
