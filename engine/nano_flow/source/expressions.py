"""Templates and expressions as the compiler sees them: checked once, with the references that they make.

This module stays light: texts without tags, and texts whose tags are only dotted names, are decided here by one
pattern; Jinja is imported for everything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from nano_flow.core.diagnostics import Diagnostic, SourceRange
from nano_flow.core.errors import DocumentError
from nano_flow.source.guard.vocabulary import KEYWORDS, RESERVED

if TYPE_CHECKING:
    from nano_flow.source.guard.faults import Fault

Form = Literal["literal", "text", "value", "expression"]
Locate = Callable[[int, int], SourceRange]
"""(line, column) inside the text of a scalar, both from 0 → the range in the file that begins there."""

Path = tuple[str, ...]
NO_ALIAS: frozenset[str] = frozenset()

DOTTED = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*){0,30}")
SIMPLE_TAG = re.compile(rf"\{{\{{ *({DOTTED.pattern}) *\}}\}}")
_TAG_BEGIN = re.compile(r"\{[{%#]")
_NOT_NAMES = RESERVED | KEYWORDS | {"loop", "range"}


@dataclass(frozen=True, slots=True)
class Template:
    """A checked template, or a checked expression.

    ``form`` says what ``runtime.templates.render`` makes of it: ``literal`` the text itself, ``text`` a text with
    values put in, ``value`` (exactly one ``{{ … }}``) and ``expression`` (a bare one) the value with its type.

    ``references`` are the names that the template takes from outside, each as far as its members are constant:
    ``steps.triage.output.files[0]`` → ``("steps", "triage", "output", "files")``, ``steps['a'].output`` →
    ``("steps", "a", "output")``, ``item`` → ``("item",)``. Variables that the template sets itself (``for``, ``set``,
    ``with``) are not among them. Each occurrence is listed; ``offsets[n]`` is where reference ``n`` begins in
    ``source``, ``reference_range(n)`` the same as a range in the file. Which roots a place allows is not judged here.
    """

    source: str
    form: Form
    references: tuple[Path, ...]
    where: SourceRange
    offsets: tuple[int, ...] = ()
    locate: Locate | None = field(default=None, compare=False, repr=False)

    def reference_range(self, number: int) -> SourceRange:
        """Where reference ``number`` stands in the file."""
        start = self.offsets[number]
        return self.range_at(start, start + len(".".join(self.references[number])))

    def range_at(self, start: int, end: int | None = None) -> SourceRange:
        """Where the characters ``start`` to ``end`` of ``source`` stand in the file."""
        return place(self.source, self.where, self.locate, start, start + 1 if end is None else end)


def check_template(source: str, where: SourceRange, locate: Locate | None = None) -> Template:
    """Check a template field. Raises DocumentError (``NF4xx``) at the line and column of each fault.

    ``where`` is the range of the YAML scalar; ``locate`` maps a line and column of the scalar's text, both from 0,
    to the file. Without it the text is taken to stand as written on the lines of ``where``.
    """
    if "{" not in source or _TAG_BEGIN.search(source) is None:
        return Template(source, "literal", (), where)
    source = one_kind_of_line_break(source)
    simple = _simple(source)
    if simple is not None:
        form, references, offsets = simple
        return Template(source, form, references, where, offsets, locate)
    return _checked(source, "template", where, locate)


def check_expression(source: str, where: SourceRange, locate: Locate | None = None) -> Template:
    """Check an expression field (``when``, ``until`` …): bare, or wrapped in one ``{{ }}``. Raises DocumentError."""
    source = one_kind_of_line_break(source)
    simple = simple_references(source, "expression")
    if simple is not None:
        return Template(source, "expression", simple[0], where, simple[1], locate)
    return _checked(source, "expression", where, locate)


def one_kind_of_line_break(source: str) -> str:
    """``source`` with ``\n`` for every line break, which offsets count in."""
    return source.replace("\r\n", "\n").replace("\r", "\n") if "\r" in source else source


def simple_references(source: str, form: str) -> tuple[tuple[Path, ...], tuple[int, ...]] | None:
    """References and their offsets where ``source`` is nothing but text and dotted names; None for everything else."""
    if form == "expression" and DOTTED.fullmatch(source) is not None:
        path = tuple(source.split("."))
        return ((path,), (0,)) if _is_reference(path) else None
    simple = _simple(source.strip() if form == "expression" else source)
    if simple is None or (form != "text" and simple[0] != "value"):
        return None
    lead = len(source) - len(source.lstrip()) if form == "expression" else 0
    return simple[1], tuple(offset + lead for offset in simple[2])


def _is_reference(path: Path) -> bool:
    return path[0] not in _NOT_NAMES and (len(path) > 1 or path[0] != "steps")


def _simple(source: str) -> tuple[Form, tuple[Path, ...], tuple[int, ...]] | None:
    """Form, references and offsets where every tag is ``{{ a.b.c }}``; None where the real parser has to look."""
    references = []
    offsets = []
    position = 0
    for match in SIMPLE_TAG.finditer(source):
        path = tuple(match[1].split("."))
        if not _is_reference(path) or _has_tag(source, position, match.start()):
            return None
        references.append(path)
        offsets.append(match.start(1))
        position = match.end()
    if not references or _has_tag(source, position, len(source)):
        return None
    first_end = source.find("}}") + 2
    whole = len(references) == 1 and source[0] == "{" and source.startswith("{{") and source[first_end:] in ("", "\n")
    return "value" if whole else "text", tuple(references), tuple(offsets)


def _has_tag(source: str, start: int, end: int) -> bool:
    # A brace right before a tag changes how Jinja reads it ("{{{ x }}"), so it is left to Jinja.
    return source.find("{", start, end) >= 0 and (
        _TAG_BEGIN.search(source, start, end) is not None or source.endswith("{", start, end)
    )


@lru_cache(maxsize=4096)
def _analysed(source: str, field_kind: str) -> tuple[Form, tuple[Path, ...], tuple[int, ...]] | tuple[Fault, ...]:
    from nano_flow.source.guard import tree

    return tree.analyse(source, field_kind)


def _checked(source: str, field_kind: str, where: SourceRange, locate: Locate | None) -> Template:
    from nano_flow.source.guard.faults import Fault

    result = _analysed(source, field_kind)
    faults = [entry for entry in result if isinstance(entry, Fault)]
    if faults:
        raise DocumentError([_diagnostic(source, where, locate, fault) for fault in faults])
    form, references, offsets = result
    return Template(source, form, references, where, offsets, locate)  # type: ignore[arg-type]


def _diagnostic(source: str, where: SourceRange, locate: Locate | None, fault: Fault) -> Diagnostic:
    position = place(source, where, locate, fault.start, fault.end)
    return Diagnostic("error", fault.code, fault.message, position, hint=fault.hint)


def place(source: str, where: SourceRange, locate: Locate | None, start: int, end: int) -> SourceRange:
    """The range in the file of the characters ``start`` to ``end`` of a scalar's text."""
    line = source.count("\n", 0, start)
    column = start - (source.rfind("\n", 0, start) + 1)
    newline = source.find("\n", start, end)
    width = max(1, (end if newline < 0 else newline) - start)
    if locate is not None:
        begin = locate(line, column)
        return SourceRange(where.file, begin.line, begin.column, begin.line, begin.column + width)
    lines = source.rstrip("\n").count("\n") + 1
    # a block scalar's text begins under its header; the text of a whole file (1:1) does not
    below = where.end_line - where.line >= lines and (where.line, where.column) != (1, 1)
    column += 1 if line or below else where.column
    return SourceRange(where.file, where.line + line + below, column, where.line + line + below, column + width)
