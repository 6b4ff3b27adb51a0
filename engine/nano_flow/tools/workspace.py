"""The workspace: every path is resolved, then opened one folder at a time, so that no link leads out of it.

A path is resolved first (links inside the workspace are fine), then walked from a descriptor of the workspace with
``O_NOFOLLOW`` at each step: a link that is swapped in between the check and the use makes the open fail.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

from nano_flow.core.errors import StepError

_PROTECTED_FOLDERS = frozenset({".git", ".nano-flow"})
_PROTECTED_NAMES = frozenset({"providers.yaml", "routing.yaml", "pricing.yaml"})
_HIDDEN_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200c\u200d\u2060\ufeff")


class Workspace:
    """A folder that tools may touch; ``protected`` are absolute paths of documents that they may not change."""

    def __init__(self, root: str, protected: frozenset[str] = frozenset()) -> None:
        self.root = os.path.realpath(root)
        self._protected = frozenset(os.path.realpath(path).casefold() for path in protected)

    def relative(self, path: str, *, write: bool = False) -> PurePosixPath:
        """``path`` resolved, relative to the workspace. Raises StepError where it leads out or is not for writing."""
        _refuse_odd(path)
        try:
            resolved = os.path.realpath(os.path.join(self.root, path))
            inside = os.path.commonpath((self.root, resolved)) == self.root
        except (OSError, ValueError, RuntimeError):
            raise refused(path, "cannot be resolved") from None
        if not inside:
            raise refused(path, "is outside the workspace")
        relative = PurePosixPath(os.path.relpath(resolved, self.root))
        if write:
            self._refuse_protected(path, relative, resolved)
        return relative

    @contextmanager
    def folder(self, relative: PurePosixPath, *, create: bool = False) -> Iterator[int]:
        """A descriptor of a folder, walked to without following links. OSError where that fails."""
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in relative.parts:
                if create:
                    _make(part, descriptor)
                inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)

    def read(self, path: str, limit: int) -> bytes:
        """At most ``limit`` bytes of a regular file. Raises StepError."""
        relative = self.relative(path)
        try:
            with self.folder(relative.parent) as parent:
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
                with os.fdopen(os.open(relative.name or ".", flags, dir_fd=parent), "rb") as file:
                    _refuse_irregular(path, os.fstat(file.fileno()))
                    return file.read(limit)
        except OSError as error:
            raise refused(path, _reason(error)) from None

    def write(self, path: str, data: bytes) -> None:
        """Replace, or make, a regular file; the old one stays until the new one is whole. Raises StepError."""
        relative = self.relative(path, write=True)
        if not relative.name:
            raise refused(path, "is the workspace itself")
        try:
            with self.folder(relative.parent, create=True) as parent:
                mode = _mode_of(path, relative.name, parent)
                draft = f".{relative.name[:100]}.{os.getpid()}.{id(data):x}.part"
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
                with os.fdopen(os.open(draft, flags, mode, dir_fd=parent), "wb") as file:
                    file.write(data)
                os.replace(draft, relative.name, src_dir_fd=parent, dst_dir_fd=parent)
        except OSError as error:
            raise refused(path, _reason(error)) from None

    def status(self, path: str) -> os.stat_result:
        """What the file system says of a path, links inside the workspace followed. Raises StepError."""
        relative = self.relative(path)
        try:
            with self.folder(relative.parent) as parent:
                return os.stat(relative.name or ".", dir_fd=parent, follow_symlinks=False)
        except OSError as error:
            raise refused(path, _reason(error)) from None

    def entries(self, path: str) -> list[os.DirEntry[str]]:
        """The entries of a folder, by name. Raises StepError."""
        relative = self.relative(path)
        try:
            with self.folder(relative) as descriptor, os.scandir(descriptor) as found:
                return sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            raise refused(path, _reason(error)) from None

    def _refuse_protected(self, path: str, relative: PurePosixPath, resolved: str) -> None:
        names = {part.casefold() for part in relative.parts}
        if names & _PROTECTED_FOLDERS or relative.name.casefold() in _PROTECTED_NAMES:
            raise refused(path, "is protected: tools do not change version control, the store or the policies")
        if resolved.casefold() in self._protected:
            raise refused(path, "is protected: it is a document of this run")


def refused(path: str, why: str) -> StepError:
    """The error for a path, its control characters spelt out."""
    shown = path.encode("unicode_escape").decode("ascii") if not path.isprintable() else path
    return StepError("tool", f'"{shown[:200]}" {why}')


def _refuse_odd(path: str) -> None:
    if not path or "\0" in path:
        raise refused(path, "is not a path")
    if "://" in path:
        raise refused(path, "is a URL, not a path of the workspace")
    if _HIDDEN_MARKS & set(path) or any(ord(c) < 32 for c in path):
        raise refused(path, "holds invisible characters")


def _make(name: str, parent: int) -> None:
    try:
        os.mkdir(name, 0o777, dir_fd=parent)
    except FileExistsError:
        return


def _refuse_irregular(path: str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise refused(path, "is a folder; list_directory lists it")
    if not stat.S_ISREG(status.st_mode):
        raise refused(path, "is not a regular file")
    if status.st_nlink > 1:
        raise refused(path, "has a second name (a hard link), perhaps outside the workspace")


def _mode_of(path: str, name: str, parent: int) -> int:
    try:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return 0o666
    _refuse_irregular(path, status)
    return stat.S_IMODE(status.st_mode)


def _reason(error: OSError) -> str:
    return (error.strerror or "cannot be used").lower()
