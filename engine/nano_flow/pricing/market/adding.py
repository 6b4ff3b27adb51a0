"""Adds a model to the text of a ``pricing.yaml``, behind the last that it has; all other lines stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from nano_flow.core.diagnostics import SourceRange
from nano_flow.pricing.market.editing import NewEntry, written

NEW_FILE = """\
# What models cost. What stands here is added to what ships: nano-flow prices list
nano_flow: 1
extends: shipped
"""
_MODELS = ("models",)


class Located(Protocol):
    """A document that knows where its parts stand."""

    @property
    def text(self) -> str:
        """All of it."""

    def key_range(self, path: tuple[str | int, ...]) -> SourceRange:
        """Where a key stands."""

    def value_range(self, path: tuple[str | int, ...]) -> SourceRange:
        """Where a value stands."""


def added(source: Located, own: object, entries: Mapping[str, NewEntry]) -> str | None:
    """The text with a list for each of ``entries``; ``own`` is what the file itself has under ``models``, or None.

    None where its models are written in braces, which cannot be added to line by line.
    """
    text = source.text
    if not isinstance(own, Mapping):
        ended = text if not text or text.endswith("\n") else f"{text}\n"
        return ended + "\n".join(["models:", *block(entries, "  ")]) + "\n"
    where = source.value_range(_MODELS)
    lines = text.split("\n")
    if not own:
        line = lines[where.line - 1]
        before, after = line[: where.column - 1].rstrip(), line[where.end_column - 1 :] if _on_one(where) else ""
        if not _on_one(where):
            return None
        lines[where.line - 1 : where.line] = [f"{before}{after}".rstrip(), *block(entries, "  ")]
        return "\n".join(lines)
    last = (*_MODELS, str(list(own)[-1]))
    key, value = source.key_range(last), source.value_range(last)
    indent = lines[key.line - 1][: key.column - 1]
    if indent.strip():
        return None
    end = value.end_line - 1 if value.end_column == 1 else value.end_line
    lines[end:end] = block(entries, indent)
    return "\n".join(lines)


def _on_one(where: SourceRange) -> bool:
    return where.line == where.end_line


def block(entries: Mapping[str, NewEntry], indent: str) -> list[str]:
    """The lines of new models."""
    found = []
    for name, entry in entries.items():
        found += [f"{indent}{_key(name)}:", *written(entry, f"{indent}  ")]
    return found


def _key(name: str) -> str:
    """A name with a colon in it is written in quotes where YAML would read it otherwise."""
    return f'"{name}"' if ": " in name or " #" in name or name.endswith(":") else name
