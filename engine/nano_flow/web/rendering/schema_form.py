"""A JSON Schema as the fields of a form, and what was typed into them as data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json
from nano_flow.operations.runs.asking import complaints

FieldKind = Literal["text", "long", "number", "truth", "choice", "json"]
WHOLE = "value"
"""The name of the one field of a schema that is no object."""
_LONG = 200


@dataclass(frozen=True, slots=True)
class FormField:
    """One field. ``shown`` is what stands in it at first."""

    name: str
    kind: FieldKind
    label: str
    help: str
    required: bool
    shown: str
    choices: tuple[tuple[str, str], ...] = ()
    """What is sent → what is shown."""


def fields_of(schema: Json, given: Mapping[str, str] | None = None) -> list[FormField]:
    """The fields for ``schema``; ``given`` is what was typed before, so that a slip costs nobody the rest."""
    typed = given or {}
    if not isinstance(schema, dict):
        return []
    properties = schema.get("properties")
    if properties == {} and schema.get("additionalProperties") is False:
        return []  # nothing can be said
    if not isinstance(properties, dict) or not properties:
        return [_field(WHOLE, schema, typed.get(f"input.{WHOLE}"), required=True)]
    required = schema.get("required")
    wanted = set(required) if isinstance(required, list) else set()
    return [
        _field(name, part if isinstance(part, dict) else {}, typed.get(f"input.{name}"), required=name in wanted)
        for name, part in properties.items()
    ]


def value_of(schema: Json, given: Mapping[str, str]) -> Json:
    """What was typed, as data that the schema accepts. Raises UsageError that names the field."""
    if not isinstance(schema, dict):
        return None
    fields = fields_of(schema)
    values: dict[str, Json] = {}
    for field in fields:
        text = given.get(f"input.{field.name}", "")
        if field.kind == "truth":
            values[field.name] = text == "true"
        elif text.strip() or (field.required and field.kind in ("text", "long")):
            values[field.name] = _read(field, text)
    value: Json = values.get(WHOLE) if len(fields) == 1 and fields[0].name == WHOLE else values
    found = complaints(value, schema, 1)
    if found:
        raise UsageError(found[0].removeprefix("the value: "))
    return value


def _field(name: str, schema: Mapping[str, Json], typed: str | None, *, required: bool) -> FormField:
    kind = _kind(schema)
    default = schema.get("default")
    shown = typed if typed is not None else "" if default is None else _written(default)
    title, help_text = schema.get("title"), schema.get("description")
    values = _values(schema)
    return FormField(
        name,
        kind,
        str(title or name),
        str(help_text or ""),
        required,
        shown,
        tuple((_written(value), _written(value)) for value in values),
    )


def _kind(schema: Mapping[str, Json]) -> FieldKind:
    if _values(schema):
        return "choice"
    kind = schema.get("type", "string")
    if kind == "boolean":
        return "truth"
    if kind in ("integer", "number"):
        return "number"
    if kind != "string":
        return "json"
    longest = schema.get("maxLength")
    return "text" if isinstance(longest, int) and longest <= _LONG else "long"


def _values(schema: Mapping[str, Json]) -> list[Json]:
    values = schema.get("enum")
    return list(values) if isinstance(values, list) else []


def _written(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read(field: FormField, text: str) -> Json:
    """What stands in a field. A choice is sent as it was written: a text as it is, all else as JSON."""
    if field.kind in ("text", "long"):
        return text
    try:
        value: Json = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        if field.kind == "choice":
            return text
        raise UsageError(f'"{field.label}" wants {_WANTED[field.kind]}, found "{text[:60]}"') from None
    if field.kind == "choice" and text not in {sent for sent, _ in field.choices if not sent.startswith('"')}:
        return text
    return value


_WANTED: Mapping[FieldKind, str] = {"number": "a number", "json": "JSON", "choice": "one of the choices"}


def _no_number(name: str) -> Json:
    raise ValueError(f"{name} is no number")
