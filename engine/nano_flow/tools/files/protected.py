"""What file tools never change, whatever a model says: version control, the store, policies, the run's documents."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

_FOLDERS = frozenset({".git", ".nano-flow"})
_NAMES = frozenset({"providers.yaml", "routing.yaml", "pricing.yaml", "service.yaml", ".git"})
_SHORT = re.compile(r"git~\d+|nano-f~\d+")
"""The short names under which NTFS also knows ``.git`` and ``.nano-flow``."""
_ENV_FILE = re.compile(r"\.env(\..+)?|.+\.env|\.envrc")
_SAMPLES = (".example", ".sample", ".template", ".dist")
_SECRET = "holds secrets by its name: tools neither read nor write such files"
_HIDDEN = frozenset({"Cc", "Cf", "Zl", "Zp"})


class Protected:
    """Judges paths of one workspace; ``paths`` are absolute files and folders that are protected besides the names."""

    def __init__(self, root: str, paths: Iterable[str]) -> None:
        # A folder around the whole workspace (a store above it) protects nothing that could be written here.
        resolved = (os.path.realpath(path) for path in paths)
        inside = (path for path in resolved if path != root and not root.startswith(path + os.sep))
        self._paths = frozenset(folded(path) for path in inside)

    def reason(self, relative: PurePosixPath, resolved: str) -> str:
        """Why a path is not for writing; empty where it is."""
        parts = [folded(part) for part in relative.parts]
        if self.secret(relative):
            return _SECRET
        if _FOLDERS & set(parts) or any(_SHORT.fullmatch(part) for part in parts) or (parts and parts[-1] in _NAMES):
            return "is protected: tools do not change version control, the store or the policies"
        path = folded(resolved)
        while len(path) > 1:
            if path in self._paths:
                return "is protected: it belongs to this run"
            path = os.path.dirname(path)
        return ""

    def secret(self, relative: PurePosixPath) -> str:
        """Why a path is not even for reading; empty where it is."""
        name = folded(relative.name)
        return _SECRET if _ENV_FILE.fullmatch(name) and not name.endswith(_SAMPLES) else ""


def folded(name: str) -> str:
    """``name`` as the most forgetful file system sees it: case, width, composition, dots and blanks at the end."""
    parts = unicodedata.normalize("NFKC", name).casefold().split("/")
    return "/".join(part.partition(":")[0].rstrip(". ") or part for part in parts)


def hidden(text: str) -> bool:
    """Whether ``text`` holds characters that nobody sees or that turn the reading direction."""
    return any(unicodedata.category(character) in _HIDDEN for character in text)


def shown(name: str) -> str:
    """A file's name as text that can be printed: bytes that are no UTF-8 and invisible characters spelt out."""
    text = name.encode("utf-8", errors="surrogateescape" if _is_escaped(name) else "backslashreplace")
    readable = text.decode("utf-8", errors="backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in readable)


def _is_escaped(name: str) -> bool:
    """Whether every surrogate in ``name`` stands for a byte of a file name."""
    return all("\udc80" <= c <= "\udcff" for c in name if "\ud800" <= c <= "\udfff")
