"""Which files a workflow may name, and reading them through the hook that the context brings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from nano_flow.plan.draft import CompileContext, join

MOST_CHARACTERS = 2 * 1024 * 1024
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class ReadText:
    """A file's text and digest, or the ``problem`` with it."""

    text: str = ""
    digest: str = ""
    problem: str = ""


def outside(name: str, folder: str, root: str) -> str:
    """Why ``name``, counted from ``folder``, is no file of the project at ``root``; empty where it is one."""
    if name.startswith("~"):
        return f'"{name}" is in a home folder: expected a path relative to this file'
    if name.startswith(("/", "\\")) or _DRIVE.match(name):
        return f'"{name}" is an absolute path: expected one relative to this file'
    if "\\" in name or any(not c.isprintable() for c in name):
        return f'"{ascii(name)[1:-1]}" is no path: expected names with forward slashes between them'
    if not within(join(folder, name), root):
        return f'"{name}" leaves the project\'s folder'
    return ""


def within(path: str, root: str) -> bool:
    """True where ``path`` is ``root`` or below it; both absolute, judged by their names alone."""
    whole = join("/", root)
    return path == whole or path.startswith(whole if whole == "/" else whole + "/")


def read_text(context: CompileContext, path: str) -> ReadText:
    """The text at the absolute ``path``."""
    try:
        text = context.read_file(path)
    except UnicodeDecodeError:
        return ReadText(problem="is no UTF-8 text")
    except OSError as error:
        return ReadText(problem=f"cannot be read: {(error.strerror or str(error)).lower()}")
    if len(text) > MOST_CHARACTERS:
        return ReadText(problem=f"is too long: at most {MOST_CHARACTERS:,} characters are read")
    return ReadText(text, digest_of(text))


def digest_of(text: str) -> str:
    """``sha256:`` and the hexadecimal digest of ``text``."""
    return f"sha256:{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def beside(file: str, name: str) -> str:
    """How ``name``, counted from the folder of ``file``, is shown to a reader who knows ``file`` by that name."""
    parts: list[str] = []
    for part in [*file.split("/")[:-1], *name.split("/")]:
        if part == ".." and parts and parts[-1] not in ("..", ""):
            parts.pop()
        elif part not in (".",) and (part or not parts):
            parts.append(part)
    return "/".join(parts)
