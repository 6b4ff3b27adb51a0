"""The policies of a git revision, of a folder or of one file, read beside those in force."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nano_flow.core.errors import UsageError
from nano_flow.locate import PolicyFile, is_there, repository_root
from nano_flow.project.policies import Policies, read_policies

WORKING_TREE = "the working tree"
_GIT_SECONDS = 20
_TWO_DOTS, _THREE_DOTS = (
    re.compile(r"(?<![./])\.\.(?![./]|$)|(?<![./])\.\.(?=\.{1,2}/|$)"),
    re.compile(r"(?<![./])\.{3}(?![./])"),
)
"""Between two sides; ``../routing.yaml`` is one."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison; ``name`` is how people wrote it."""

    name: str
    policies: Policies


def side(name: str, in_force: Sequence[PolicyFile]) -> Side:
    """``name`` is a routing document, a folder of policy files, a git revision, or ``""``: the files in force.

    Raises UsageError for what is none of these, DocumentError for what is not valid.
    """
    path = Path(name)
    if not name:
        return Side(WORKING_TREE, read_policies(in_force))
    if path.is_file():
        return Side(name, read_policies(_instead(in_force, {"routing.yaml": path})))
    if path.is_dir():
        if not any(is_there(path / file.name) for file in in_force):
            raise UsageError(f'"{name}" holds none of {", ".join(file.name for file in in_force)}')
        return Side(name, read_policies(_instead(in_force, {f.name: path / f.name for f in in_force})))
    return _of_revision(name, in_force)


def split_range(text: str | None) -> tuple[str, str]:
    """``BASE``, ``BASE..HEAD`` → both sides; nothing is the last commit against the working tree. Raises UsageError."""
    if not text:
        return "HEAD", ""
    if three := _THREE_DOTS.search(text):
        raise UsageError(f'"{text}" has three dots: write {text[: three.start()]}..{text[three.end() :]}')
    dots = _TWO_DOTS.search(text)
    if dots is None:
        return text, ""
    return text[: dots.start()] or "HEAD", text[dots.end() :] or "HEAD"


def _instead(files: Sequence[PolicyFile], paths: dict[str, Path]) -> list[PolicyFile]:
    return [
        replace(file, path=paths[file.name], found="project") if _there(paths.get(file.name)) else file
        for file in files
    ]


def _there(path: Path | None) -> bool:
    return path is not None and is_there(path)


def _of_revision(revision: str, in_force: Sequence[PolicyFile]) -> Side:
    """The files in force as they stood at ``revision``; what is shipped stays as it is."""
    root = repository_root(Path.cwd())
    if root is None:
        raise UsageError(
            f'"{revision}" is no file, and there is no git repository here: begin one (git init), or name two files'
        )
    _git(
        root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", missing=f'there is no revision "{revision}"'
    )
    with tempfile.TemporaryDirectory(prefix="nano-flow-revision-") as folder:
        files = [_at_revision(root, revision, file, Path(folder)) for file in in_force]
        return Side(revision, read_policies(files, revision=revision))


def _at_revision(root: Path, revision: str, file: PolicyFile, folder: Path) -> PolicyFile:
    if file.found == "bundled" or not file.path.absolute().is_relative_to(root):
        return file
    inside = file.path.absolute().relative_to(root).as_posix()
    text = _show(root, revision, inside)
    if text is None:
        raise UsageError(f'"{inside}" does not exist at {revision}; name a later revision, or a file to compare with')
    target = folder / file.name
    target.write_bytes(text)
    if file.name == "routing.yaml":
        # A learned score stands beside its document, under whatever name that gives it.
        for name in _git(root, "ls-tree", "--name-only", revision, f"{os.path.dirname(inside) or '.'}/").splitlines():
            if name.endswith(".learned.yaml"):
                (folder / os.path.basename(name)).write_bytes(_show(root, revision, name) or b"")
    return replace(file, path=target, found="project")


def _show(root: Path, revision: str, path: str) -> bytes | None:
    done = _run(root, "show", f"{revision}:{path}")
    return done.stdout if done.returncode == 0 else None


def _git(root: Path, *arguments: str, missing: str = "") -> str:
    done = _run(root, *arguments)
    if done.returncode != 0:
        raise UsageError(missing or f"git {arguments[0]} failed: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout.decode("utf-8", "replace")


def _run(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", str(root), "--no-pager", *arguments]
    try:
        return subprocess.run(command, capture_output=True, timeout=_GIT_SECONDS, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise UsageError("git is not installed; name two files instead of revisions") from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"git {arguments[0]} did not answer within {_GIT_SECONDS} s") from None
