"""Makes a plausible value for a JSON Schema 2020-12."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from nano_flow.core.messages import Json
from nano_flow.providers.simulated.schemas import Schema, Unsatisfiable, as_schema, merge, resolve
from nano_flow.providers.simulated.strings import for_format, from_pattern

MAX_DEPTH = 24
FRUGAL_DEPTH = 3
MAX_ITEMS = 10_000
MAX_LENGTH = 200_000
_AGREEABLE_WORDS = "approve approved accept accepted pass passed ok yes done complete valid good success"
_AGREEABLE = frozenset(_AGREEABLE_WORDS.split())
_SCORES = ("score", "rating", "confidence", "quality", "probability", "certainty")
_MARKS = (
    ("object", ("properties", "required", "patternProperties", "minProperties", "propertyNames")),
    ("array", ("items", "prefixItems", "minItems", "maxItems", "contains")),
    ("string", ("pattern", "format", "minLength", "maxLength")),
    ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
)


class ValueMaker:
    """Makes values for the parts of one schema; ``write`` makes the free text of strings.

    ``items`` is how many entries a list gets where its schema leaves it open. Agreeable where a schema leaves a
    choice: scores are high, flags are true, a verdict is a positive one, so that a rehearsal reaches its end.
    """

    def __init__(self, root: Schema, draw: Random, write: Callable[[], str], items: int = 2) -> None:
        self._root, self._draw, self._write, self._items = root, draw, write, items

    def make(self, schema: Json, name: str = "", depth: int = 0) -> Json:
        """A value for ``schema``, the property ``name``; raises Unsatisfiable."""
        if depth > MAX_DEPTH:
            raise Unsatisfiable("the schema nests without end")
        flat = self._flatten(as_schema(schema), depth)
        if "const" in flat:
            return flat["const"]
        options = flat.get("enum")
        if isinstance(options, list) and options:
            return self._choose(options)
        kind = self._kind(flat, depth)
        if kind == "null":
            return None
        if kind == "boolean":
            return True
        if kind in ("integer", "number"):
            return self._number(flat, name, whole=kind == "integer")
        if kind == "string":
            return self._string(flat)
        return self._array(flat, name, depth) if kind == "array" else self._object(flat, depth)

    def _choose(self, options: list[Json]) -> Json:
        agreeable = [value for value in options if isinstance(value, str) and value.lower() in _AGREEABLE]
        return self._draw.choice(agreeable or options)

    def _flatten(self, schema: Schema, depth: int) -> Schema:
        """One schema without references, ``allOf``, ``anyOf``, ``oneOf`` and ``if``."""
        for _ in range(MAX_DEPTH):
            schema = resolve(schema, self._root)
            parts = schema.pop("allOf", None) if "allOf" in schema else None
            if isinstance(parts, list):
                for part in parts:
                    schema = merge(schema, resolve(as_schema(part), self._root))
                continue
            branch = self._branch(schema, depth)
            if branch is None:
                return schema
            schema = merge(schema, resolve(branch, self._root))
        raise Unsatisfiable("the schema nests without end")

    def _branch(self, schema: Schema, depth: int) -> Schema | None:
        """One alternative of ``schema``, taken out of it; None where it has none."""
        for key in ("oneOf", "anyOf"):
            options = schema.pop(key, None)
            if isinstance(options, list) and options:
                usable = [as_schema(option) for option in options if option is not False]
                simple = [option for option in usable if not _nests(option)]
                return self._draw.choice(simple if simple and depth >= FRUGAL_DEPTH else _not_null(usable))
        condition = schema.pop("if", None)
        then, other = schema.pop("then", True), schema.pop("else", True)
        if condition is None:
            return None
        if self._draw.random() < 0.5:
            return merge(as_schema(condition), as_schema(then))
        return as_schema(other)

    def _kind(self, schema: Schema, depth: int) -> str:
        declared = schema.get("type")
        if isinstance(declared, list):
            kinds = [str(kind) for kind in declared]
            simple = [kind for kind in kinds if kind not in ("object", "array")]
            if depth >= FRUGAL_DEPTH and simple:
                return simple[0]
            return next((kind for kind in kinds if kind != "null"), "null")
        if isinstance(declared, str):
            return declared
        return next((kind for kind, marks in _MARKS if any(mark in schema for mark in marks)), "string")

    def _number(self, schema: Schema, name: str, *, whole: bool) -> Json:
        low, high = _bounds(schema, 1.0 if whole else 0.01)
        step = _real(schema.get("multipleOf"))
        if step is None and whole:
            step = 1.0
        if any(word in name.lower() for word in _SCORES):
            low = high - (high - low) * 0.15
        value = self._draw.uniform(low, high)
        if step:
            first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
            if first > last:
                raise Unsatisfiable(f"no multiple of {step:g} lies between {low:g} and {high:g}")
            value = min(max(round(value / step), first), last) * step
        if whole:
            return round(value)
        short = round(value, 2)
        return short if low <= short <= high and not step else value

    def _string(self, schema: Schema) -> str:
        low, high = _whole(schema.get("minLength"), 0), _whole(schema.get("maxLength"), MAX_LENGTH)
        if low > MAX_LENGTH or low > high:
            raise Unsatisfiable(f"a string of {low} characters is too long")
        pattern, form = schema.get("pattern"), schema.get("format")
        text = from_pattern(pattern, self._draw) if isinstance(pattern, str) else None
        if text is None and isinstance(form, str):
            text = for_format(form, self._draw)
        if text is not None:
            return text
        text = self._write()
        while len(text) < low:
            text += " " + self._write()
        return text if len(text) <= high else text[:high].rstrip().ljust(low, ".")

    def _array(self, schema: Schema, name: str, depth: int) -> Json:
        least, most = _whole(schema.get("minItems"), 0), _whole(schema.get("maxItems"), MAX_ITEMS)
        fixed = schema.get("prefixItems")
        fixed = fixed if isinstance(fixed, list) else []
        wanted = 0 if depth >= FRUGAL_DEPTH and least == 0 else self._items
        count = min(max(least, wanted, len(fixed)), most)
        if count > MAX_ITEMS or least > most:
            raise Unsatisfiable(f"a list of {least} items is too long")
        items = schema.get("items", True)
        if items is False:
            count = min(count, len(fixed))
        values: list[Json] = []
        for index in range(count):
            part = fixed[index] if index < len(fixed) else items
            if "contains" in schema and index == count - 1:
                part = {"allOf": [part if part is not True else {}, schema["contains"]]}
            values.append(self._new_item(part, name, depth, values if schema.get("uniqueItems") else None))
        return values

    def _new_item(self, part: Json, name: str, depth: int, others: list[Json] | None) -> Json:
        for _ in range(64):
            value = self.make(part, name, depth + 1)
            if others is None or value not in others:
                return value
        raise Unsatisfiable("not enough different items")

    def _object(self, schema: Schema, depth: int) -> Json:
        properties = as_schema(schema.get("properties") or {})
        named = schema.get("required")
        required = [str(name) for name in named] if isinstance(named, list) else []
        most = _whole(schema.get("maxProperties"), MAX_ITEMS)
        optional = [name for name, part in properties.items() if name not in required and part is not False]
        names = [*(name for name in properties if name in required), *(n for n in required if n not in properties)]
        if depth < FRUGAL_DEPTH:
            names += optional[: max(most - len(names), 0)]
        least = _whole(schema.get("minProperties"), 0)
        if len(names) < least:
            names += [name for name in optional if name not in names][: least - len(names)]
        values: dict[str, Json] = {}
        for name in [n for n in properties if n in names] + [n for n in names if n not in properties]:
            values[name] = self.make(self._property(schema, properties, name), name, depth + 1)
        for index in range(64 * least):
            if len(values) >= least:
                break
            name = self._new_name(schema, index)
            values[name] = self.make(self._property(schema, properties, name), name, depth + 1)
        return values

    def _property(self, schema: Schema, properties: Schema, name: str) -> Json:
        if name in properties:
            return properties[name]
        patterns = schema.get("patternProperties")
        if isinstance(patterns, dict) and patterns:
            return next(iter(patterns.values()))
        return schema.get("additionalProperties", True)

    def _new_name(self, schema: Schema, index: int) -> str:
        """A further property's name; odd tries hang the index on, which most patterns of prefixes admit."""
        patterns = schema.get("patternProperties")
        names = schema.get("propertyNames")
        name = "key"
        if isinstance(patterns, dict) and patterns:
            name = from_pattern(next(iter(patterns)), self._draw) or name
        elif isinstance(names, dict):
            return str(self.make(names))
        return name if index % 2 == 0 and name != "key" else f"{name}{index}"


def _nests(schema: Schema) -> bool:
    return "$ref" in schema or schema.get("type") in ("object", "array") or "properties" in schema


def _not_null(options: list[Schema]) -> list[Schema]:
    rest = [option for option in options if option.get("type") != "null"]
    if not options:
        raise Unsatisfiable("the schema admits no value")
    return rest or options


def _real(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: Json, default: int) -> int:
    number = _real(value)
    return default if number is None else int(number)


def _bounds(schema: Schema, margin: float) -> tuple[float, float]:
    """The closed interval of a number's schema; open ends are 10 wide."""
    low, high = _real(schema.get("minimum")), _real(schema.get("maximum"))
    above, below = _real(schema.get("exclusiveMinimum")), _real(schema.get("exclusiveMaximum"))
    if above is not None and (low is None or above >= low):
        low = float(math.floor(above) + 1) if margin == 1 else above + margin
    if below is not None and (high is None or below <= high):
        high = float(math.ceil(below) - 1) if margin == 1 else below - margin
    if low is None:
        low = 0.0 if high is None or high >= 0 else high - 10
    if high is None:
        high = max(low, 0.0) + 10 if low >= 0 else 10.0
    if low > high:
        low = high = (low + high) / 2
    return low, high
