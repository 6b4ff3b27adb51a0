"""Reading the files that people name; whatever is wrong with one is said like any other mistake in a document."""

from __future__ import annotations

import hashlib
import os
import stat

from nano_flow.core.diagnostics import Diagnostic, SourceRange
from nano_flow.core.errors import DocumentError, StepError

MAX_DOCUMENT = 2 * 1024 * 1024
"""Bytes of a document; one more is read, so that the reader can say that it is too large."""

MAX_ATTACHMENT = 20 * 1024 * 1024


def read_document(path: str, shown: str | None = None) -> bytes:
    """The bytes of a document. Raises DocumentError (NF101) for a file that is not there, a folder, a device …"""
    name = shown or path
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise _refused(name, "is a folder" if os.path.isdir(path) else "is not a regular file")
        with open(path, "rb") as file:
            return file.read(MAX_DOCUMENT + 1)
    except FileNotFoundError:
        raise _refused(name, "does not exist") from None
    except PermissionError:
        raise _refused(name, "may not be read (permissions)") from None
    except (OSError, ValueError) as error:
        raise _refused(name, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def read_text(path: str) -> str:
    """A text file that a document names. Raises OSError, also where it is not UTF-8 or too large."""
    with open(path, "rb") as file:
        data = file.read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT:
        raise OSError(f"larger than {MAX_DOCUMENT} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise OSError("is not UTF-8 text") from None


def read_inside(root: str, path: str) -> bytes:
    """A file that a document names: below ``root`` also where links lead, and a regular file. Raises OSError."""
    full, top = os.path.realpath(path), os.path.realpath(root)
    if os.path.commonpath((top, full)) != top:
        raise OSError("leads out of the project through a link")
    with os.fdopen(os.open(full, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("is not a regular file")
        data = file.read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT:
        raise OSError(f"larger than {MAX_DOCUMENT} bytes")
    return data


def text_inside(root: str, path: str) -> str:
    """``read_inside``, as UTF-8 text. Raises OSError."""
    try:
        return read_inside(root, path).decode("utf-8")
    except UnicodeDecodeError:
        raise OSError("is not UTF-8 text") from None


def read_attachment(workspace: str, path: str) -> bytes:
    """A file below ``workspace``, symlinks followed before it is decided. Raises StepError."""
    root = os.path.realpath(workspace)
    full = os.path.realpath(os.path.join(root, path))
    if os.path.commonpath((root, full)) != root:
        raise StepError("attachment", f'"{path}" is outside the workspace')
    try:
        descriptor = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise StepError("attachment", f'"{path}" is not a regular file')
            data = file.read(MAX_ATTACHMENT + 1)
    except OSError as error:
        raise StepError("attachment", f'"{path}": {error.strerror}') from None
    if len(data) > MAX_ATTACHMENT:
        raise StepError("attachment", f'"{path}" is larger than {MAX_ATTACHMENT} bytes')
    return data


def shown_path(path: str) -> str:
    """A path as messages show it: relative where it lies below the current folder."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def digest(data: bytes | str) -> str:
    """``sha256:…`` of a text."""
    raw = data.encode("utf-8") if isinstance(data, str) else data
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def commit_of(path: str) -> str | None:
    """The commit that the git checkout around ``path`` stands at, read from ``.git`` without starting git."""
    folder = os.path.dirname(os.path.abspath(path))
    while not os.path.exists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    try:
        return _head(os.path.join(folder, ".git"))
    except (OSError, ValueError):
        return None


def _head(git: str) -> str | None:
    if os.path.isfile(git):  # a worktree or submodule: the file names the real folder
        with open(git, encoding="utf-8") as file:
            git = os.path.join(os.path.dirname(git), file.read().removeprefix("gitdir:").strip())
    head = _line(os.path.join(git, "HEAD"))
    if not head.startswith("ref:"):
        return head or None
    name = head.removeprefix("ref:").strip()
    common = git
    if os.path.exists(os.path.join(git, "commondir")):
        common = os.path.join(git, _line(os.path.join(git, "commondir")))
    for root in (git, common):
        if os.path.exists(os.path.join(root, name)):
            return _line(os.path.join(root, name))
    with open(os.path.join(common, "packed-refs"), encoding="utf-8") as file:
        return next((line.split()[0] for line in file if line.rstrip().endswith(" " + name)), None)


def _line(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.readline().strip()


def _refused(name: str, why: str) -> DocumentError:
    return DocumentError([Diagnostic("error", "NF101", f'"{name}" {why}', SourceRange(name, 1, 1, 1, 1))])
