"""Collects what is wrong while a routing document is read, and reads the names of models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from nano_flow.core.diagnostics import Diagnostic, SourceRange
from nano_flow.core.refs import ModelRef
from nano_flow.routing.rules import Condition

Path = tuple[str | int, ...]
Locate = Callable[[Path], SourceRange]
CompileCondition = Callable[[str, SourceRange], Condition]
"""An expression and its place → a condition; raises DocumentError."""


@dataclass(slots=True)
class Reader:
    """Collects what is wrong while a document is read."""

    locate: Locate
    compile_condition: CompileCondition
    tags: Mapping[str, str] = field(default_factory=dict)
    choices: Sequence[str] = ()
    signals: tuple[str, ...] = ()
    """The names of all signals, once they are read."""
    tiers: tuple[str, ...] = ()
    """The names of the tiers."""
    cascades: tuple[str, ...] = ()
    """The names of named cascades."""
    sees: set[str] = field(default_factory=set)
    """What conditions refer to."""
    found: list[Diagnostic] = field(default_factory=list)

    def say(self, code: str, message: str, path: Path, hint: str = "") -> None:
        address = ".".join(str(part) for part in path)
        self.found.append(Diagnostic("error", code, message, self.locate(path), address, hint))

    def at(self, path: Path) -> str:
        where = self.locate(path)
        return f"{where.file}:{where.line}"

    def known(self, what: str, name: str, names: Sequence[str], path: Path) -> bool:
        if name in names:
            return True
        near = get_close_matches(name, names, 1)
        hint = f'did you mean "{near[0]}"?' if near else f"known are: {', '.join(names) or 'none'}"
        self.say("NF510", f'there is no {what} "{name}"', path, hint)
        return False


def models_of(reader: Reader, entries: Sequence[str], path: Path) -> tuple[ModelRef, ...]:
    """Each model once, in order."""
    refs: dict[ModelRef, None] = {}
    for place, entry in enumerate(entries):
        ref = model_of(reader, entry, (*path, place))
        if ref is not None and ref in refs:
            reader.say("NF512", f'"{entry}" is listed twice', (*path, place))
        elif ref is not None:
            refs[ref] = None
    return tuple(refs)


def model_of(reader: Reader, entry: str, path: Path) -> ModelRef | None:
    try:
        return ModelRef.parse(entry)
    except ValueError:
        reader.say("NF512", f'"{entry}" is not a model: expected provider/model, such as openai/gpt-5-mini', path)
        return None
