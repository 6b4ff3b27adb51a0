"""Questions of a run as forms of a host, and what a person filled in as answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from nano_flow.core.messages import Json

_DECISION, _COMMENT, _INPUT = "decision", "comment", "input"
_FLAT = frozenset({"string", "number", "integer", "boolean"})
_KEPT = ("type", "title", "description", "default", "enum", "minimum", "maximum", "minLength", "maxLength", "format")
_FORMATS = frozenset({"email", "uri", "date", "date-time"})


@dataclass(frozen=True, slots=True)
class Question:
    """What an ``approve`` step asks; ``input_schema`` is the JSON Schema of further data, or None."""

    address: str
    message: str
    options: tuple[str, ...]
    input_schema: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """What a person decided."""

    decision: str
    input: Json = None
    comment: str = ""


def form_of(question: Question) -> dict[str, Json]:
    """The question as a flat JSON Schema: hosts show one field a property and know no nesting.

    Input that is not flat is one field that takes JSON.
    """
    options: list[Json] = list(question.options)
    properties: dict[str, Json] = {_DECISION: {"type": "string", "enum": options, "title": "Decision"}}
    required: list[Json] = [_DECISION]
    schema = question.input_schema
    if schema is not None:
        fields = _flat_fields(schema)
        if fields is None:
            text = f"JSON that fits {json.dumps(schema, ensure_ascii=False)}"
            properties[_INPUT] = {"type": "string", "title": "Input", "description": text}
            required.append(_INPUT)
        else:
            wanted = schema.get("required")
            properties |= {_field(name): shown for name, shown in fields.items()}
            required += [_field(str(name)) for name in wanted] if isinstance(wanted, list) else []
    properties[_COMMENT] = {"type": "string", "title": "Comment"}
    return {"type": "object", "properties": properties, "required": required}


def filled_of(question: Question, content: Mapping[str, Json]) -> Filled:
    """What was filled in. Raises ValueError, in words for a person, where it does not answer the question."""
    return fitting(
        question, Filled(str(content.get(_DECISION)), _input_of(question, content), str(content.get(_COMMENT) or ""))
    )


def fitting(question: Question, filled: Filled) -> Filled:
    """The same answer. Raises ValueError, in words for a person, where it does not answer the question."""
    decision, given = filled.decision, filled.input
    if decision not in question.options:
        raise ValueError(f'"{decision}" is none of {", ".join(question.options)}')
    if question.input_schema is None and given is not None:
        raise ValueError("the question takes no input")
    if question.input_schema is not None:
        from nano_flow.operations.runs.asking import OutputBroken, check_schema

        try:
            check_schema(given, question.input_schema)
        except OutputBroken as error:
            raise ValueError(str(error).removeprefix("the value: ")) from None
    return filled


def _input_of(question: Question, content: Mapping[str, Json]) -> Json:
    schema = question.input_schema
    if schema is None:
        return None
    fields = _flat_fields(schema)
    if fields is not None:
        given = {name: content.get(_field(name)) for name in fields}
        return {name: value for name, value in given.items() if value is not None}
    text = content.get(_INPUT)
    try:
        value: Json = json.loads(str(text))
    except ValueError:
        raise ValueError(f'"{text}" is not JSON') from None
    return value


def _flat_fields(schema: Mapping[str, Json]) -> dict[str, Json] | None:
    properties = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, dict) or not properties:
        return None
    shown: dict[str, Json] = {}
    for name, field in properties.items():
        if not isinstance(field, dict) or field.get("type") not in _FLAT:
            return None
        kept = {key: field[key] for key in _KEPT if key in field}
        if kept.get("format") not in _FORMATS:
            kept.pop("format", None)
        shown[name] = kept
    return shown


def _field(name: str) -> str:
    """The form's own fields keep their names."""
    return f"{_INPUT}_{name}" if name in (_DECISION, _COMMENT) else name
