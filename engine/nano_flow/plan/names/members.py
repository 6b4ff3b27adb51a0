"""Which members and items a value has, as far as its shape tells."""

from __future__ import annotations

from nano_flow.plan.names.schema_shape import schema_items, schema_member
from nano_flow.plan.shape import (
    ANYTHING,
    Anything,
    Described,
    ListOf,
    Missing,
    OneOf,
    Record,
    Scalar,
    Shape,
    first_found,
)


def member(shape: Shape, name: str) -> Shape | Missing:
    """The shape of ``value.name``; a list has its items under whole numbers."""
    if isinstance(shape, Anything):
        return ANYTHING
    if isinstance(shape, Scalar):
        return Missing("scalar", (shape.name,))
    if isinstance(shape, Record):
        make = shape.members.get(name)
        return Missing("member", tuple(shape.members)) if make is None else make()
    if isinstance(shape, ListOf):
        return shape.item if _is_index(name) else Missing("fan_out" if shape.fan_out else "list")
    if isinstance(shape, OneOf):
        return first_found([member(option, name) for option in shape.options])
    return schema_member(shape, name)


def item_of(shape: Shape) -> Shape:
    """The shape of one item of ``shape``; unknown where it is no list that anything is known of."""
    if isinstance(shape, ListOf):
        return shape.item
    if isinstance(shape, Described):
        return schema_items(shape)
    return ANYTHING


def _is_index(name: str) -> bool:
    return name.removeprefix("-").isdigit()
