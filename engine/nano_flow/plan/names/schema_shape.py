"""Members and items of a value that a JSON Schema describes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nano_flow.core.messages import Json
from nano_flow.plan.shape import ANYTHING, Described, Missing, OneOf, Scalar, Shape, first_found
from nano_flow.source.judging.pointer import resolve

_SAME_VALUE = ("allOf", "anyOf", "oneOf")
_SAME_VALUE_SINGLE = ("if", "then", "else")
_OPEN = ("patternProperties", "propertyNames", "dependentSchemas", "$dynamicRef")
MOST_PARTS = 200
"""Parts of one schema that are looked at; what is larger counts as unknown."""


def schema_member(shape: Described, name: str) -> Shape | Missing:
    """The shape of member ``name``; ``Missing`` where the schema lists members and this is none of them."""
    parts = list(_parts(shape.schema, shape.root))
    if len(parts) >= MOST_PARTS or not parts:
        return ANYTHING
    found = [Described(properties[name], shape.root) for part in parts if name in (properties := _properties(part))]
    if found:
        return found[0] if len(found) == 1 else OneOf(tuple(found))
    if any(_is_open(part) for part in parts):
        return ANYTHING
    names = tuple(dict.fromkeys(name for part in parts for name in _properties(part)))
    return Missing("member", names) if names else _kind(parts, name, shape.root)


def schema_items(shape: Described) -> Shape:
    """The shape of the items of a list."""
    for part in _parts(shape.schema, shape.root):
        if "prefixItems" in part:
            return ANYTHING
        if "items" in part:
            return Described(part["items"], shape.root)
    return ANYTHING


def enum_of(shape: Shape) -> tuple[Json, ...] | None:
    """All values that ``shape`` admits, where its schema counts them."""
    if isinstance(shape, Described):
        for part in _parts(shape.schema, shape.root):
            if isinstance(values := part.get("enum"), list):
                return tuple(values)
            if "const" in part:
                return (part["const"],)
            if part.get("type") == "boolean":
                return (True, False)
    return None


def is_list(shape: Described) -> bool | None:
    """Whether the value is a list for certain (True), certainly not (False), or unknown (None)."""
    types = [part["type"] for part in _parts(shape.schema, shape.root) if "type" in part]
    if not types:
        return None
    if all(kind == "array" for kind in types):
        return True
    return None if any(kind == "array" or isinstance(kind, list) for kind in types) else False


def _parts(schema: Json, root: Json) -> Iterator[Mapping[str, Json]]:
    """``schema`` and every schema inside it that describes the same value, each once, at most MOST_PARTS."""
    waiting: list[Json] = [schema]
    seen: set[int] = set()
    while waiting and len(seen) < MOST_PARTS:
        part = waiting.pop()
        if not isinstance(part, dict) or id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        for key in _SAME_VALUE:
            if isinstance(options := part.get(key), list):
                waiting.extend(options)
        waiting.extend(part[key] for key in _SAME_VALUE_SINGLE if key in part)
        if isinstance(reference := part.get("$ref"), str):
            waiting.append(resolve(root, reference))


def _properties(part: Mapping[str, Json]) -> Mapping[str, Json]:
    properties = part.get("properties")
    return properties if isinstance(properties, dict) else {}


def _is_open(part: Mapping[str, Json]) -> bool:
    """True where the author says that there may be members without a name in the schema."""
    if any(key in part for key in _OPEN):
        return True
    return part.get("additionalProperties", False) is not False or part.get("unevaluatedProperties", False) is not False


def _kind(parts: list[Mapping[str, Json]], name: str, root: Json) -> Shape | Missing:
    kinds = [kind for part in parts if (kind := part.get("type")) is not None]
    flat = {str(kind) for entry in kinds for kind in (entry if isinstance(entry, list) else [entry])}
    if not flat or "object" in flat:
        return ANYTHING
    if "array" in flat:
        index = name.removeprefix("-").isdigit()
        return first_found([schema_items(Described(dict(part), root)) for part in parts]) if index else Missing("list")
    return Missing("scalar", (Scalar(_name_of(flat)).name,))


def _name_of(kinds: set[str]) -> str:
    words = {"string": "a text", "integer": "a number", "number": "a number", "boolean": "a boolean"}
    return next((words[kind] for kind in sorted(kinds) if kind in words), "null")
