"""A JSON Schema as Claude's constrained writing takes it; what it cannot hold is asked for in words."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nano_flow.core.messages import Json

_IN_WORDS = frozenset(
    {
        *("minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains", "prefixItems"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"),
        *("minProperties", "maxProperties", "patternProperties", "propertyNames"),
        *("dependentRequired", "dependentSchemas", "unevaluatedProperties", "if", "then", "else", "not"),
    }
)
"""Keywords that a service refuses. Replies are held against all of them afterwards."""
_BY_NAME = frozenset({"properties", "$defs", "definitions"})
_AS_IS = frozenset({"enum", "const", "default", "required", "examples"})


def constrained(schema: Mapping[str, Json]) -> dict[str, Json]:
    """``schema`` with closed objects, without what is refused."""
    made: dict[str, Json] = {}
    for key, value in schema.items():
        if key in _IN_WORDS:
            continue
        made["anyOf" if key == "oneOf" else key] = _part(key, value)
    if made.get("type") == "object" or "properties" in made:
        made["additionalProperties"] = False
    words = {key: value for key, value in schema.items() if key in _IN_WORDS}
    if words:
        said = made.get("description")
        also = f"Must also satisfy {json.dumps(words, ensure_ascii=False)}"
        made["description"] = f"{said} {also}" if isinstance(said, str) and said else also
    return made


def _part(key: str, value: Json) -> Json:
    if key in _AS_IS:
        return value
    if isinstance(value, list):
        return [constrained(part) if isinstance(part, dict) else part for part in value]
    if not isinstance(value, dict):
        return value
    if key in _BY_NAME:
        return {name: constrained(part) if isinstance(part, dict) else part for name, part in value.items()}
    return constrained(value)
