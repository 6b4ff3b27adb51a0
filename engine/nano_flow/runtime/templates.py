"""Checked templates → text or plain data; the only way from the language of documents to values.

Texts without tags and plain references are rendered here, without Jinja; everything else by ``runtime.rendering``,
compiled once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json
from nano_flow.runtime.rendering.failure import RenderFailure, nearest
from nano_flow.runtime.rendering.plain import MAX_OUTPUT, plain, text_of, too_long
from nano_flow.source.expressions import Path, Template, simple_references

Names = Mapping[str, object]
Program = Callable[[Names], Json]


def render(template: Template, names: Names) -> Json:
    """What ``template`` is with ``names``: a text, or a value with its type where its form is ``value``/``expression``.

    ``names`` holds the roots (``inputs``, ``steps``, ``item`` …) as plain data or read-only mappings; values are never
    rendered a second time. Raises ``StepError("template", "file:line:col: …")``.
    """
    if template.form == "literal":
        return template.source
    try:
        return _program(template.source, template.form)(names)
    except RenderFailure as failure:
        raise StepError("template", f"{template.range_at(failure.offset)}: {failure.message}") from None


@lru_cache(maxsize=8192)
def _program(source: str, form: str) -> Program:
    """A function that renders ``source``. Raises RenderFailure where ``source`` was never checked and is wrong."""
    simple = simple_references(source, form)
    if simple is None:
        from nano_flow.runtime.rendering.program import compile_program

        return compile_program(source, form)
    references, offsets = simple
    if form != "text":
        return _value_program(references[0], offsets[0])
    return _text_program(source, references, offsets)


def _value_program(path: Path, offset: int) -> Program:
    def value(names: Names) -> Json:
        return plain(_look_up(names, path, offset))

    return value


def _text_program(source: str, references: tuple[Path, ...], offsets: tuple[int, ...]) -> Program:
    texts = []
    end = 0
    for offset in offsets:
        texts.append(source[end : source.rindex("{{", 0, offset)])
        end = source.index("}}", offset) + 2
    last = source[end:]
    pieces = tuple(zip(texts, references, offsets, strict=True))

    def text(names: Names) -> Json:
        parts = []
        length = len(last)
        for before, path, offset in pieces:
            value = _look_up(names, path, offset)
            shown = value if type(value) is str else _shown(value, offset)
            length += len(before) + len(shown)
            if length > MAX_OUTPUT:
                raise RenderFailure(too_long("the text"), offset)
            parts.append(before)
            parts.append(shown)
        parts.append(last)
        return "".join(parts)

    return text


def _shown(value: object, offset: int) -> str:
    try:
        return text_of(value)
    except RenderFailure as failure:
        raise failure.at(offset) from None


def _look_up(names: Names, path: Path, offset: int) -> object:
    value: object = names
    for depth, part in enumerate(path):
        try:
            value = value[part]  # type: ignore[index]
        except (KeyError, TypeError, IndexError):
            raise RenderFailure(_missing(value, path, depth), offset) from None
        # A text or list takes no member; what is neither is seen by the look-up itself.
    return value


def _missing(value: object, path: Path, depth: int) -> str:
    if depth == 0:
        return f'"{path[0]}" is not known here{nearest(path[0], names_of(value))}'
    owner = ".".join(path[:depth])
    if value is None:
        return f'"{owner}" is null, so it has no member "{path[depth]}"'
    if not isinstance(value, Mapping):
        return f'"{owner}" is no mapping, so it has no member "{path[depth]}"'
    return f'"{owner}" has no member "{path[depth]}"{nearest(path[depth], names_of(value))}'


def names_of(value: object) -> list[str]:
    """The keys of a mapping that are texts."""
    return [key for key in value if isinstance(key, str)] if isinstance(value, Mapping) else []
