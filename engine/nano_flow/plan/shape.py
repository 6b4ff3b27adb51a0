"""Shapes of values: what schemas and kinds of step tell of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nano_flow.core.messages import Json


@dataclass(frozen=True, slots=True)
class Anything:
    """Nothing is known."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text, number, boolean or null; ``name`` says which."""

    name: str


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with just these members; each shape is made when it is asked for."""

    members: Mapping[str, Callable[[], Shape]]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list; ``item`` tells the shape of its items."""

    item: Shape
    fan_out: bool = False
    """True where the list is the output of a ``for_each``."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """A value of one of several shapes."""

    options: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Described:
    """A value that a JSON Schema describes; ``root`` is the schema that its ``$ref`` start from."""

    schema: Json
    root: Json


Shape = Anything | Scalar | Record | ListOf | OneOf | Described


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such member: the value is a ``list``, a ``scalar``, or a mapping that has other ``names``."""

    reason: str
    names: tuple[str, ...] = ()


ANYTHING = Anything()
TEXT = Scalar("a text")
NUMBER = Scalar("a number")
NULL = Scalar("null")


def record(**members: Shape) -> Record:
    """A mapping of which all members are known."""
    return Record({name: _always(shape) for name, shape in members.items()})


def _always(shape: Shape) -> Callable[[], Shape]:
    return lambda: shape


def first_found(found: list[Shape | Missing]) -> Shape | Missing:
    """All shapes that were found as one; where none was, why: the reason that knows names wins."""
    shapes = tuple(shape for shape in found if not isinstance(shape, Missing))
    if shapes:
        return shapes[0] if len(shapes) == 1 else OneOf(shapes)
    misses = [miss for miss in found if isinstance(miss, Missing)]
    named = [miss for miss in misses if miss.reason == "member"]
    if named:
        return Missing("member", tuple(dict.fromkeys(name for miss in named for name in miss.names)))
    return misses[0] if misses else ANYTHING
