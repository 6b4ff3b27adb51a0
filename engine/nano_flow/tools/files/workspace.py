"""The workspace: every path is resolved, then opened one folder at a time, so that no link leads out of it.

A path is resolved first (links inside the workspace are fine), then walked from a descriptor of the workspace with
``O_NOFOLLOW`` at each step: a link that is swapped in between the check and the use makes the open fail.
"""

from __future__ import annotations

import os
import secrets
import stat
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from typing import BinaryIO

from nano_flow.core.errors import StepError
from nano_flow.tools.files.protected import Protected, hidden, shown

MAX_WRITE = 16 * 1024 * 1024
"""Bytes of a file that a tool writes."""

_LONGEST = 4_000
"""Bytes of a path: folders below that could be made, step by step, but hardly ever removed."""

_LOOK = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a folder; ``kind`` is ``file``, ``folder``, ``link`` or ``other``."""

    name: str
    kind: str


class Workspace:
    """A folder that tools may touch; ``protected`` are absolute paths of files and folders that they may not change."""

    def __init__(self, root: str, protected: Iterable[str] = ()) -> None:
        self.root = os.path.realpath(root)
        self._protected = Protected(self.root, protected)
        self.changing = threading.RLock()
        """Held by whoever reads a file in order to write it."""

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
        if write and (why := self._protected.reason(relative, resolved)):
            raise refused(path, why)
        return relative

    @contextmanager
    def folder(self, relative: PurePosixPath, *, create: bool = False) -> Iterator[int]:
        """A descriptor of a folder, walked to without following links. OSError where that fails."""
        descriptor = os.open(self.root, _LOOK)
        try:
            for part in relative.parts:
                if create:
                    _make(part, descriptor)
                inner = os.open(part, _LOOK | os.O_NOFOLLOW, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def opened(self, path: str) -> Iterator[BinaryIO]:
        """A regular file, open for reading. Raises StepError, also for what goes wrong while it is read."""
        relative = self.relative(path)
        if why := self._protected.secret(relative):
            raise refused(path, why)
        try:
            with self.folder(relative.parent) as parent:
                name = relative.name or "."
                # A device or a pipe is not even opened; what was swapped in after this look is found out below.
                _refuse_irregular(path, os.stat(name, dir_fd=parent, follow_symlinks=False))
                descriptor = os.open(name, _READ, dir_fd=parent)
            with os.fdopen(descriptor, "rb") as file:
                _refuse_irregular(path, os.fstat(file.fileno()))
                yield file
        except OSError as error:
            raise refused(path, _reason(error)) from None

    def read(self, path: str, limit: int) -> bytes:
        """At most ``limit`` bytes of a regular file. Raises StepError."""
        with self.opened(path) as file:
            return file.read(limit)

    def write(self, path: str, data: bytes) -> None:
        """Replace, or make, a regular file; the old one stays until the new one is whole. Raises StepError."""
        relative = self.relative(path, write=True)
        if not relative.name:
            raise refused(path, "is the workspace itself, a folder")
        if len(data) > MAX_WRITE:
            raise refused(path, f"would be larger than {MAX_WRITE:,} bytes")
        try:
            with self.changing, self.folder(relative.parent, create=True) as parent:
                _replace(parent, relative.name, data, _mode_of(path, relative.name, parent))
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

    def entries(self, path: str, most: int) -> tuple[list[Entry], bool]:
        """At most ``most`` entries of a folder, by name, and whether there are more. Raises StepError."""
        relative = self.relative(path)
        try:
            with self.folder(relative) as descriptor, os.scandir(descriptor) as found:
                entries = [Entry(entry.name, _kind(entry)) for entry in islice(found, most + 1)]
        except OSError as error:
            raise refused(path, _reason(error)) from None
        return sorted(entries[:most], key=lambda entry: entry.name), len(entries) > most


def refused(path: str, why: str) -> StepError:
    """The error for a path, its control characters spelt out."""
    return StepError("tool", f'"{shown(path)[:200]}" {why}')


def _refuse_odd(path: str) -> None:
    if not path or "\0" in path:
        raise refused(path, "is not a path")
    if len(path.encode("utf-8", "replace")) > _LONGEST:
        raise refused(path, "is too long")
    if "://" in path:
        raise refused(path, "is a URL, not a path of the workspace")
    if hidden(path):
        raise refused(path, "holds invisible characters")


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "other"


def _make(name: str, parent: int) -> None:
    try:
        os.mkdir(name, 0o777, dir_fd=parent)
    except FileExistsError:
        return


def _replace(parent: int, name: str, data: bytes, mode: int | None) -> None:
    draft = f".{secrets.token_hex(8)}.part"
    descriptor = os.open(draft, _MAKE, 0o666 if mode is None else 0o600, dir_fd=parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            file.write(data)
        os.replace(draft, name, src_dir_fd=parent, dst_dir_fd=parent)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft, dir_fd=parent)
        raise


def _refuse_irregular(path: str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise refused(path, "is a folder; list_directory lists it")
    if not stat.S_ISREG(status.st_mode):
        raise refused(path, "is not a regular file")
    if status.st_nlink > 1:
        raise refused(path, "has a second name (a hard link), perhaps outside the workspace")


def _mode_of(path: str, name: str, parent: int) -> int | None:
    """The permissions that a file keeps when it is written anew; None where there is no file yet."""
    try:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None
    _refuse_irregular(path, status)
    if not status.st_mode & 0o222:
        raise refused(path, "may not be written: it is read-only")
    return stat.S_IMODE(status.st_mode) & 0o777


def _reason(error: OSError) -> str:
    reasons = {
        FileNotFoundError: "does not exist; list_directory and search_files show what does",
        NotADirectoryError: "leads through something that is not a folder",
        IsADirectoryError: "is a folder",
        PermissionError: "may not be touched (permissions)",
    }
    return reasons.get(type(error)) or (error.strerror or "cannot be used").lower()
