"""The commit that a file stands at, read from ``.git`` without starting git."""

from __future__ import annotations

import os
import re

from nano_flow.project.files import read_regular

_SMALL = 4 * 1024
"""Bytes of ``HEAD``, of a reference, of a file that names the real folder: a few dozen in practice."""
_PACKED = 16 * 1024 * 1024
"""Bytes of ``packed-refs`` that are looked through: a hundred thousand references."""
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def commit_of(path: str) -> str | None:
    """The commit of the checkout around ``path``; None outside of one, or where its files say nothing of the kind.

    What stands in ``.git`` may have been put there by anybody: it is read within bounds, from regular files, and only
    what looks like a commit is taken.
    """
    folder = os.path.dirname(os.path.abspath(path))
    while not os.path.lexists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    try:
        said = _head(os.path.join(folder, ".git"))
    except (OSError, ValueError):
        return None
    return said if said is not None and _COMMIT.fullmatch(said) else None


def _head(git: str) -> str | None:
    if os.path.isfile(git):  # a worktree or submodule: the file names the real folder
        git = os.path.join(os.path.dirname(git), _line(git).removeprefix("gitdir:").strip())
    head = _line(os.path.join(git, "HEAD"))
    if not head.startswith("ref:"):
        return head
    name = head.removeprefix("ref:").strip()
    common = git
    if os.path.exists(os.path.join(git, "commondir")):
        common = os.path.join(git, _line(os.path.join(git, "commondir")))
    for root in (git, common):
        if os.path.exists(os.path.join(root, name)):
            return _line(os.path.join(root, name))
    return _packed(os.path.join(common, "packed-refs"), name)


def _packed(path: str, name: str) -> str | None:
    ending = (" " + name).encode()
    lines = read_regular(path, _PACKED).splitlines()
    return next((line.split()[0].decode("ascii") for line in lines if line.endswith(ending)), None)


def _line(path: str) -> str:
    return read_regular(path, _SMALL).decode("utf-8").partition("\n")[0].strip()
