"""Reading the files that people name; whatever is wrong with one is said like any other mistake in a document."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from nano_flow.core.diagnostics import Diagnostic, SourceRange
from nano_flow.core.errors import DocumentError, StepError
from nano_flow.core.messages import Json

if TYPE_CHECKING:
    from nano_flow.plan.plan import PlannedInput

MAX_DOCUMENT = 2 * 1024 * 1024
"""Bytes of a document; one more is read, so that the reader can say that it is too large."""

MAX_ATTACHMENT = 20 * 1024 * 1024


_FORMS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO, not a regular file",
    stat.S_IFCHR: "a device, not a regular file",
    stat.S_IFBLK: "a device, not a regular file",
}


class NotRegular(OSError):
    """What stands at a path is a folder, a FIFO, a socket or a device; ``str()`` says which."""


def read_document(path: str, shown: str | None = None) -> bytes:
    """The bytes of a document. Raises DocumentError (NF101) for a file that is not there, a folder, a device …"""
    name = shown or path
    try:
        return read_regular(path, MAX_DOCUMENT + 1)
    except FileNotFoundError:
        raise _refused(name, "is a link to nowhere" if os.path.islink(path) else "does not exist") from None
    except PermissionError:
        raise _refused(name, "may not be read (permissions)") from None
    except NotRegular as error:
        raise _refused(name, str(error)) from None
    except (OSError, ValueError) as error:
        raise _refused(name, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def read_regular(path: str, most: int) -> bytes:
    """Up to ``most`` bytes of a regular file. Raises OSError; a FIFO or a device is refused and never waited for."""
    # The file that was opened is the one that is asked what it is: another may stand at the path a moment later.
    with open(path, "rb", opener=_open_regular) as file:
        return file.read(most)


def _open_regular(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise NotRegular(f"is {_FORMS.get(stat.S_IFMT(mode), 'no regular file')}")
    return descriptor


def read_text(path: str) -> str:
    """A text file that a document names. Raises OSError, also where it is not UTF-8, no regular file or too large."""
    return decoded(read_regular(path, MAX_DOCUMENT + 1))


def decoded(data: bytes) -> str:
    """``data`` as UTF-8 text. Raises OSError where it is none, or larger than a document may be."""
    if len(data) > MAX_DOCUMENT:
        raise OSError(f"larger than {MAX_DOCUMENT} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise OSError("is not UTF-8 text") from None


def read_given(path: str) -> str:
    """The text of a file that a person typed: also a pipe such as ``/dev/stdin`` or the shell's ``<(…)``. OSError."""
    with open(path, "rb") as file:
        return decoded(file.read(MAX_DOCUMENT + 1))


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


def _refused(name: str, why: str) -> DocumentError:
    return DocumentError([Diagnostic("error", "NF101", f'"{name}" {why}', SourceRange(name, 1, 1, 1, 1))])


def given_value(declared: PlannedInput | None, text: str) -> Json:
    """The value of ``-i name=text`` by the declared type. Raises OSError, and ValueError for what does not fit."""
    from nano_flow.plan.inputs import read_input

    if not text.startswith("@"):
        return text if declared is None else read_input(declared, text)
    path = text[1:]
    content = read_given(path)
    if declared is None:
        return content
    kind = path.rpartition(".")[2].lower()
    if not _is_list(declared) or kind not in ("csv", "tsv", "jsonl", "ndjson", "txt"):
        return read_input(declared, content)
    try:
        return _rows(kind, content)
    except ValueError as error:
        raise ValueError(f'input "{declared.name}": "{path}": {error}') from None


def _rows(kind: str, content: str) -> list[Json]:
    from nano_flow.source.tables import csv_rows, jsonl_values, lines_of

    if kind in ("csv", "tsv"):
        return csv_rows(content, "," if kind == "csv" else "\t")
    return lines_of(content) if kind == "txt" else jsonl_values(content)


def _is_list(declared: PlannedInput) -> bool:
    kinds = declared.schema.get("type", [])
    return kinds == "array" or (isinstance(kinds, list) and "array" in kinds and "string" not in kinds)
