"""JSON Schema as values are judged by it: patterns that cannot hang, references that are never fetched.

``jsonschema`` is imported when the first value is judged.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nano_flow.core.messages import Json
from nano_flow.source.regex_guard import PatternTooSlow, safe_pattern

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

_LONGEST = 300
"""Characters of one complaint."""
_SHOWN = 80
"""Characters of a value in it."""


def complaints(value: Json, schema: Mapping[str, Json], most: int = 5) -> list[str]:
    """What is wrong with ``value``, the first ``most`` violations as ``path: message``; empty where nothing is."""
    from jsonschema.exceptions import UnknownType
    from referencing.exceptions import Unresolvable

    found: list[str] = []
    try:
        for error in validator_for(json.dumps(schema, sort_keys=True)).iter_errors(value):
            path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path).lstrip(".")
            found.append(f"{path or 'the value'}: {error.message[:_LONGEST]}")
            if len(found) == most:
                break
    except (Unresolvable, UnknownType) as error:
        found.append(f"its schema cannot be used: {str(error).splitlines()[0][:_LONGEST]}")
    except RecursionError:
        found.append("the value or its schema is nested too deeply")
    return found


@functools.lru_cache(maxsize=256)
def validator_for(schema_json: str) -> Validator:
    """The validator of a schema given as JSON text."""
    from referencing import Registry

    schema = json.loads(schema_json)
    unevaluated = "unevaluatedProperties" in schema_json and not all(map(_is_cheap, _all_patterns(schema)))
    validator: Validator = _safe_class(refuse_unevaluated=unevaluated)(schema, registry=Registry())
    return validator


@functools.lru_cache(maxsize=2)
def _safe_class(*, refuse_unevaluated: bool) -> Any:
    """Draft 2020-12 with every use of ``re`` replaced.

    The draft's own ``unevaluatedProperties`` searches with ``re``, so it is used only where all patterns are cheap.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    own: dict[str, Any] = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    }
    if refuse_unevaluated:
        own["unevaluatedProperties"] = _refuse_unevaluated
    untyped: Any = extend
    return untyped(Draft202012Validator, own)


def _found(pattern: str, text: str) -> bool:
    """True also for patterns that no document may hold: they come from servers, which judge by them themselves."""
    if pattern.endswith("$") and not pattern.endswith("\\$"):
        pattern = pattern[:-1] + r"\Z"  # JSON Schema's end is the end, not the place before a last line break
    try:
        checked = safe_pattern(pattern)
    except ValueError:
        return True
    return checked.found_in(text)


def _pattern(validator: Any, pattern: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    from jsonschema import ValidationError

    if isinstance(value, str):
        try:
            if not _found(pattern, value):
                shown = repr(value if len(value) <= _SHOWN else value[:_SHOWN] + "…")
                yield ValidationError(f"{shown} does not match {pattern!r}")
        except PatternTooSlow as error:
            yield ValidationError(str(error))


def _pattern_properties(validator: Any, patterns: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, dict):
        for pattern, inner in patterns.items():
            for key, part in value.items():
                if _names(pattern, key):
                    yield from validator.descend(part, inner, path=key, schema_path=pattern)


def _additional_properties(validator: Any, allowed: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    from jsonschema import ValidationError

    if not isinstance(value, dict):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extras = [key for key in value if key not in known and not any(_names(p, key) for p in patterns)]
    if allowed is False and extras:
        shown = ", ".join(repr(key) for key in extras)
        yield ValidationError(f"Additional properties are not allowed ({shown} unexpected)")
    elif isinstance(allowed, dict):
        for key in extras:
            yield from validator.descend(value[key], allowed, path=key)


def _refuse_unevaluated(validator: Any, allowed: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    from jsonschema import ValidationError

    if isinstance(value, dict):
        yield ValidationError('"unevaluatedProperties" beside such a "patternProperties" cannot be judged')


def _names(pattern: str, key: str) -> bool:
    try:
        return _found(pattern, key)
    except PatternTooSlow:
        return False


def _is_cheap(pattern: str) -> bool:
    try:
        return safe_pattern(pattern).stars == 0
    except ValueError:
        return False


def _all_patterns(schema: Any) -> Iterator[str]:
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            patterns = part.get("patternProperties")
            yield from patterns if isinstance(patterns, dict) else ()
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
