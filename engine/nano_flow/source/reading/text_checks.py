"""What is decided on the bytes and characters of a text, before a parser sees it."""

from __future__ import annotations

import re
from itertools import islice

from nano_flow.core.diagnostics import Diagnostic, SourceRange
from nano_flow.core.errors import DocumentError
from nano_flow.source.reading.problems import Problems
from nano_flow.source.source_map import Lines

MAX_BYTES = 2 * 1024 * 1024
MAX_REPORTED = 20
_UTF16_OR_32 = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_ALLOWED = "\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff"
_NOT_ALLOWED_ASCII = re.compile("[^\t\n\r\x20-\x7e]")
_DIRECTIVE = re.compile(r"^%.*", re.MULTILINE)
_DOCUMENT_START = re.compile(r"^(?![#%\s]).*", re.MULTILINE)
_BIDI = re.compile("([\u202a-\u202e\u2066-\u2069])[^\r\n]*")
"""The first such mark of a line, and the rest of the line."""
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)


def decode(text: bytes | str, file: str) -> str:
    """The characters of a document; refuses what is too large or not UTF-8."""
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise _refused(file, "NF101", f"the file has {size:,} bytes, at most {MAX_BYTES:,} are read", "split it")
    if isinstance(text, bytes):
        if text.startswith(_UTF16_OR_32):
            raise _refused(file, "NF102", "the file is written in UTF-16 or UTF-32", "save it as UTF-8")
        text = _utf8(text, file)
    return text.removeprefix("\ufeff")


def check_characters(problems: Problems) -> None:
    """Control characters are errors; characters that reorder a line are warnings (they may be meant)."""
    text = problems.lines.text
    if text.isascii() and _NOT_ALLOWED_ASCII.search(text) is None:
        return
    # Compiled where it is needed: a class of characters over all planes takes as long as a short document.
    for match in islice(re.finditer(f"[^{_ALLOWED}]", text), MAX_REPORTED):
        shown = escaped(match[0])
        problems.add("NF103", f"the character {shown} is not allowed in a document", match.start(), match.end())
    problems.raise_errors()
    for match in islice(_BIDI.finditer(text), MAX_REPORTED):
        message = f"the character {escaped(match[1])} makes people read this line in another order than machines do"
        problems.add("NF118", message, match.start(), match.end(1), hint="remove it", severity="warning")


def check_directives(problems: Problems) -> None:
    """``%TAG`` gives tags another meaning, and tags are refused; one ``%YAML`` line is let pass."""
    text = problems.lines.text
    if "%" not in text:
        return
    start = _DOCUMENT_START.search(text)
    directives = list(_DIRECTIVE.finditer(text, 0, start.start() if start else len(text)))
    for match in directives[:MAX_REPORTED]:
        if not match[0].startswith("%YAML") or match is not directives[0]:
            problems.add("NF111", "directives are not read", match.start(), match.end(), hint="remove the line")
    problems.raise_errors()


def invisible(text: str) -> bool:
    """True where a reader would not see every character of ``text``."""
    return _INVISIBLE.search(text) is not None


def escaped(text: str) -> str:
    """``text`` with every character that does not show itself written as an escape: ``steps`` → ``ste\\u200bps``."""
    return "".join(c if c.isprintable() and not invisible(c) else _escape(c) for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _refused(file: str, code: str, message: str, hint: str) -> DocumentError:
    return DocumentError([Diagnostic("error", code, message, SourceRange(file, 1, 1, 1, 1), hint=hint)])


def _utf8(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(file, data, error.start) from None


def _not_utf8(file: str, data: bytes, position: int) -> DocumentError:
    before = data[:position].decode("utf-8")
    where = Lines(file, before + "?").range(len(before), len(before) + 1)
    if b"\x00" in data:
        message, hint = "the file is binary, not text", ""
    else:
        message, hint = f"the byte 0x{data[position]:02x} is not UTF-8", "save the file as UTF-8"
    return DocumentError([Diagnostic("error", "NF102", message, where, hint=hint)])
