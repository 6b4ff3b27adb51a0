"""Reads the file of a document; what cannot be read is a diagnostic, not a trace."""

from __future__ import annotations

from pathlib import Path
from stat import S_ISREG

from nano_flow.core.diagnostics import Diagnostic, SourceRange
from nano_flow.core.errors import DocumentError
from nano_flow.source.reading.text_checks import MAX_BYTES


def read_file(path: Path, shown: str = "") -> bytes:
    """The bytes of a document, called ``shown`` in messages. Raises DocumentError (``NF100``, ``NF101``).

    A pipe or a device is refused before it is opened: reading one could wait for ever.
    """
    name = shown or str(path)
    try:
        status = path.stat()
        if path.is_dir():
            raise _refused(name, "NF100", f'"{name}" is a folder, not a file')
        if not S_ISREG(status.st_mode):
            raise _refused(name, "NF100", f'"{name}" is not a regular file')
        if status.st_size > MAX_BYTES:
            message = f"the file has {status.st_size:,} bytes, at most {MAX_BYTES:,} are read"
            raise _refused(name, "NF101", message, "split it")
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _refused(name, "NF100", f'"{name}" does not exist') from None
    except PermissionError:
        raise _refused(name, "NF100", f'"{name}" cannot be read: no permission') from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _refused(name, "NF100", f'"{name}" cannot be read: {reason}') from None


def _refused(file: str, code: str, message: str, hint: str = "") -> DocumentError:
    return DocumentError([Diagnostic("error", code, message, SourceRange(file, 1, 1, 1, 1), hint=hint)])
