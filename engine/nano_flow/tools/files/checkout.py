"""A folder of a run's own: empty, or a clean checkout of a repository by git."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Mapping

from nano_flow.core.errors import StepError, UsageError
from nano_flow.ports import Capture
from nano_flow.tools.processes.local import LocalCommands
from nano_flow.tools.processes.tree import ProcessTree

_HANDED_ON = re.compile(r"PATH|HOME|LANG|LC_\w+|TMPDIR|XDG_CONFIG_HOME|SSH_\w+|(?:HTTPS?|NO|ALL)_PROXY|GIT_\w+", re.I)
_ELSEWHERE = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"})
_FIXED = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh", "LC_ALL": "C"}
_SAID = Capture(most=4_000, side="tail")


async def empty_folder(folder: str) -> None:
    """Make ``folder``, which stays as it is where it is there already."""
    await asyncio.to_thread(os.makedirs, folder, exist_ok=True)


async def checkout(folder: str, repository: str, ref: str, environ: Mapping[str, str], tree: ProcessTree) -> str:
    """Make ``folder`` a checkout of ``repository`` at ``ref`` ("" is its own branch), and tell the commit.

    What was not finished leaves nothing. Raises UsageError with git's own words.
    """
    part = f"{folder}.part"
    await asyncio.to_thread(_emptied, part)
    git = _Git(environ, tree, repository)
    try:
        await git("clone", "--quiet", "--no-checkout", "--", repository, part, cwd=os.path.dirname(folder))
        commit = await _commit(git, part, ref)
        await git("checkout", "--quiet", "--detach", commit, cwd=part)
        await asyncio.to_thread(os.rename, part, folder)
    except BaseException:
        await asyncio.to_thread(shutil.rmtree, part, ignore_errors=True)
        raise
    return commit


async def remove_folder(folder: str) -> None:
    """Remove ``folder`` with all that is in it."""
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _commit(git: _Git, folder: str, ref: str) -> str:
    """The commit that ``ref`` means in a fresh clone: a branch of the repository, else a tag or a commit."""
    if not ref:
        return (await git("rev-parse", "--verify", "HEAD^{commit}", cwd=folder)).strip()
    for name in (f"refs/remotes/origin/{ref}", f"refs/tags/{ref}", ref):
        found = await git.quietly(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", cwd=folder
        )
        if found:
            return found.strip()
    raise UsageError(f'the workspace cannot be made: "{git.repository}" has no branch, tag or commit "{ref}"')


class _Git:
    """Calls git, which asks nobody and uses no transport that is a program of the address."""

    def __init__(self, environ: Mapping[str, str], tree: ProcessTree, repository: str) -> None:
        named = {name: value for name, value in environ.items() if _HANDED_ON.fullmatch(name)}
        self._env = {name: value for name, value in named.items() if name not in _ELSEWHERE} | _FIXED
        self._commands = LocalCommands(tree)
        self.repository = repository

    async def __call__(self, *arguments: str, cwd: str) -> str:
        """What git prints. Raises UsageError where it fails."""
        try:
            result = await self._commands.run(["git", *arguments], env=self._env, cwd=cwd, capture=_SAID)
        except StepError as error:
            raise UsageError(f"the workspace cannot be made: {error}") from None
        if result.exit_code:
            said = " · ".join(line.strip() for line in result.stderr.splitlines() if line.strip())
            raise UsageError(f'the workspace cannot be made: git {arguments[0]} of "{self.repository}" failed: {said}')
        return result.stdout

    async def quietly(self, *arguments: str, cwd: str) -> str:
        """What git prints; nothing where it fails."""
        try:
            return await self(*arguments, cwd=cwd)
        except UsageError:
            return ""


def _emptied(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.dirname(folder), exist_ok=True)
