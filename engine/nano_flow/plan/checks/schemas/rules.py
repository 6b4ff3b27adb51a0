"""What makes a JSON Schema (2020-12) good: well-typed keywords, local references, patterns that cannot hang."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from nano_flow.core.messages import Json
from nano_flow.plan.draft import Path
from nano_flow.plan.names.nearest import did_you_mean
from nano_flow.source.judging.pointer import NoTarget, find, resolve

MOST_SCHEMAS = 20_000
_TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")
_SCHEMA = ("items", "contains", "additionalProperties", "unevaluatedItems", "unevaluatedProperties", "propertyNames")
_SAME_VALUE = ("not", "if", "then", "else")
_SINGLE = frozenset((*_SCHEMA, *_SAME_VALUE))
_SCHEMA_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SCHEMA_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_NUMBERS = ("maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "multipleOf")
_COUNTS = (
    "maxLength",
    "minLength",
    "maxItems",
    "minItems",
    "maxProperties",
    "minProperties",
    "maxContains",
    "minContains",
)
_TEXTS = ("title", "description", "format", "$comment", "$anchor", "$schema", "contentEncoding", "contentMediaType")
_FREE = ("default", "examples", "deprecated", "readOnly", "writeOnly", "const", "contentSchema", "$vocabulary")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at ``path`` inside a schema."""

    code: str
    path: Path
    message: str
    hint: str = ""
    warning: bool = False


_Rule = Callable[[Json], str]
"""A keyword's value → what was expected instead; empty where it is good."""


def check_schema(schema: Json) -> list[Fault]:
    """Everything that is wrong with ``schema``; walked without recursion, each part once."""
    faults: list[Fault] = []
    seen: set[int] = set()
    waiting: list[tuple[Json, Path]] = [(schema, ())]
    while waiting:
        part, path = waiting.pop()
        if isinstance(part, bool) or id(part) in seen:
            continue
        if not isinstance(part, dict):
            faults.append(Fault("NF316", path, f"expected a schema (a mapping, true or false), found {_kind(part)}"))
            continue
        seen.add(id(part))
        if len(seen) > MOST_SCHEMAS:
            return [Fault("NF316", (), f"the schema has more than {MOST_SCHEMAS:,} parts")]
        faults.extend(_keywords(part, path, schema))
        waiting.extend(reversed(list(_inner(part, path))))
    return faults or list(_loops(schema))


def _keywords(part: Mapping[str, Json], path: Path, root: Json) -> Iterator[Fault]:
    for keyword, value in part.items():
        rule = _RULES.get(keyword)
        if keyword == "$ref":
            yield from _reference(value, (*path, keyword), root)
        elif keyword in ("$dynamicRef", "$recursiveRef", "$id"):
            yield Fault(
                "NF318", (*path, keyword), f'"{keyword}" is not read here', "use `$defs` and `$ref: '#/$defs/…'`"
            )
        elif rule is not None:
            expected = rule(value)
            if expected:
                code = (
                    "NF317"
                    if keyword in ("pattern", "patternProperties") and isinstance(value, str | dict)
                    else "NF316"
                )
                yield Fault(code, (*path, keyword), expected, _OLD.get(keyword, ""))
        elif hint := _OLD.get(keyword) or did_you_mean(keyword, _KNOWN):
            yield Fault("NF316", (*path, keyword), f'"{keyword}" is no keyword of JSON Schema', hint, warning=True)


def _inner(part: Mapping[str, Json], path: Path) -> Iterator[tuple[Json, Path]]:
    """The schemas right inside ``part``; what is no schema there was reported by its keyword's rule."""
    for keyword, value in part.items():
        if keyword in _SCHEMA_LISTS and isinstance(value, list):
            yield from ((inner, (*path, keyword, position)) for position, inner in enumerate(value))
        elif keyword in _SCHEMA_MAPS and isinstance(value, dict):
            yield from ((inner, (*path, keyword, name)) for name, inner in value.items())
        elif keyword in _SINGLE and value is not None and not isinstance(value, list):
            yield value, (*path, keyword)


def _reference(value: Json, path: Path, root: Json) -> Iterator[Fault]:
    if not isinstance(value, str):
        yield Fault("NF318", path, f"expected a reference such as '#/$defs/name', found {_kind(value)}")
    elif not value.startswith("#"):
        message = f'"$ref: {value}" leads out of this schema; nothing is fetched, from the network or from files'
        yield Fault("NF318", path, message, "put it under `$defs` and write `$ref: '#/$defs/…'`")
    elif isinstance(target := find(root, value), NoTarget) or not isinstance(target, dict | bool):
        names = root.get("$defs") if isinstance(root, dict) else None
        known = [f"#/$defs/{name}" for name in names] if isinstance(names, dict) else []
        yield Fault("NF318", path, f'nothing is at "{value}"', did_you_mean(value, known))


def _loops(root: Json) -> Iterator[Fault]:
    """References that lead back to themselves without going into the value: a validator would never end."""
    done: set[int] = set()
    for start, path in _every(root):
        if id(start) in done:
            continue
        trail: list[tuple[int, Iterator[Json]]] = [(id(start), _same_value(start, root))]
        on_trail = {id(start)}
        while trail:
            following = next(trail[-1][1], None)
            if following is None:
                done.add(trail[-1][0])
                on_trail.discard(trail.pop()[0])
            elif isinstance(following, dict) and id(following) in on_trail:
                at = (*path, "$ref") if "$ref" in start else path
                yield Fault("NF318", at, "this reference leads back to itself and describes no value")
                return
            elif isinstance(following, dict) and id(following) not in done:
                on_trail.add(id(following))
                trail.append((id(following), _same_value(following, root)))


def _every(root: Json) -> Iterator[tuple[Mapping[str, Json], Path]]:
    seen: set[int] = set()
    waiting: list[tuple[Json, Path]] = [(root, ())]
    while waiting:
        part, path = waiting.pop()
        if isinstance(part, dict) and id(part) not in seen:
            seen.add(id(part))
            yield part, path
            waiting.extend(_inner(part, path))


def _same_value(part: Mapping[str, Json], root: Json) -> Iterator[Json]:
    if isinstance(reference := part.get("$ref"), str):
        yield resolve(root, reference)
    for keyword in ("allOf", "anyOf", "oneOf"):
        if isinstance(entries := part.get(keyword), list):
            yield from (entry for entry in entries if entry is not None)
    yield from (part[keyword] for keyword in _SAME_VALUE if part.get(keyword) is not None)


def _kind(value: Json) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", str: "a text", list: "a list", dict: "a mapping"}
    return names.get(type(value), "a number")


def _type(value: Json) -> str:
    kinds = value if isinstance(value, list) else [value]
    bad = next((kind for kind in kinds if kind not in _TYPES), None)
    if not kinds or len(kinds) != len({str(kind) for kind in kinds}):
        return "expected a type, or a list of different types"
    if bad is None and kinds[-1] in _TYPES:
        return ""
    near = did_you_mean(str(bad), _TYPES)
    return f'"{bad}" is no JSON type: expected one of {", ".join(_TYPES)}{"; " + near if near else ""}'


def _pattern(value: Json) -> str:
    if not isinstance(value, str):
        return f"expected a regular expression, found {_kind(value)}"
    from nano_flow.source.regex_guard import check_pattern

    reason = check_pattern(value)
    return f'the pattern "{value[:60]}" cannot be used: {reason}' if reason else ""


def _pattern_members(value: Json) -> str:
    if not isinstance(value, dict):
        return f"expected a mapping of patterns, found {_kind(value)}"
    return next((reason for name in value if (reason := _pattern(name))), "")


def _number(value: Json) -> str:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    return "" if good else f"expected a number, found {_kind(value)}"


def _positive(value: Json) -> str:
    good = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    return "" if good else "expected a number above 0"


def _count(value: Json) -> str:
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return "" if good else "expected a whole number from 0 up"


def _names(value: Json) -> str:
    good = isinstance(value, list) and all(isinstance(name, str) for name in value)
    return "" if good else f"expected a list of member names, found {_kind(value)}"


def _lists_of_names(value: Json) -> str:
    good = isinstance(value, dict) and not any(_names(names) for names in value.values())
    return "" if good else "expected a mapping of lists of names"


def _is(kind: type, words: str) -> _Rule:
    return lambda value: "" if isinstance(value, kind) else f"expected {words}, found {_kind(value)}"


def _schema_value(value: Json) -> str:
    return "expected one schema, found a list" if isinstance(value, list) else "" if value is not None else _EMPTY


def _schema_list(value: Json) -> str:
    return "" if isinstance(value, list) and value else "expected a list of schemas"


def _anything(value: Json) -> str:
    return ""


_EMPTY = "expected a schema, found null"
_RULES: Mapping[str, _Rule] = {
    "type": _type,
    "pattern": _pattern,
    "enum": lambda value: "" if isinstance(value, list) and value else "expected a list of values",
    "required": _names,
    "dependentRequired": _lists_of_names,
    "uniqueItems": _is(bool, "true or false"),
    **dict.fromkeys(_SCHEMA, _schema_value),
    **dict.fromkeys(_SAME_VALUE, _schema_value),
    **dict.fromkeys(_SCHEMA_LISTS, _schema_list),
    **dict.fromkeys(_SCHEMA_MAPS, _is(dict, "a mapping of schemas")),
    **dict.fromkeys(_NUMBERS, _number),
    "multipleOf": _positive,
    **dict.fromkeys(_COUNTS, _count),
    **dict.fromkeys(_TEXTS, _is(str, "a text")),
    **dict.fromkeys(_FREE, _anything),
    "patternProperties": _pattern_members,
}
_KNOWN = (*_RULES, "$ref")
_OLD: Mapping[str, str] = {
    "nullable": "write `type: [string, 'null']`",
    "items": "for a list of fixed items write `prefixItems`",
    "required": "name the members in the object's `required: [a, b]`",
    "optional": "leave the member out of `required`",
    "maxItem": "did you mean `maxItems`?",
}
