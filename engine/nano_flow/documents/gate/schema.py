"""JSON Schemas made from the Pydantic models, in a form that gives useful errors and editor help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from nano_flow.documents.common import CHOICE, MODELS
from nano_flow.documents.gate.kinds import Kind, model_of

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_CHOICE = "x-choice"


class _Generator(GenerateJsonSchema):
    """Leaves a mark where models are built on demand, and remembers them in ``waiting``."""

    waiting: dict[str, type[BaseModel]]
    choices: dict[str, Mapping[str, type[BaseModel]]]

    def function_plain_schema(self, schema: core_schema.PlainValidatorFunctionSchema) -> Schema:
        """The reference to a model, or the name of a choice between models."""
        metadata: Any = schema.get("metadata") or {}
        models: Mapping[str, type[BaseModel]] = metadata[MODELS]
        self.waiting.update({model.__name__: model for model in models.values()})
        name = metadata.get(CHOICE)
        if name is not None:
            self.choices[name] = models
        return {_CHOICE: name or next(iter(models.values())).__name__}


def schema_of(kind: Kind) -> Schema:
    """The JSON Schema (2020-12) of one kind of document."""
    waiting: dict[str, type[BaseModel]] = {}
    choices: dict[str, Mapping[str, type[BaseModel]]] = {}
    root = _generated(model_of(kind), waiting, choices)
    definitions: Schema = root.pop("$defs", {})
    while missing := [name for name in waiting if name not in definitions]:
        schema = _generated(waiting[missing[0]], waiting, choices)
        definitions |= schema.pop("$defs", {})
        definitions[missing[0]] = schema
    definitions |= {name: _choice(name, models) for name, models in choices.items()}
    return {"$schema": DIALECT, **root, "$defs": dict(sorted(definitions.items()))}


def _generated(model: type[BaseModel], waiting: dict[str, Any], choices: dict[str, Any]) -> Schema:
    model.model_rebuild()
    generator = _Generator(by_alias=True)
    generator.waiting, generator.choices = waiting, choices
    schema: Schema = _tidied(generator.generate(model.__pydantic_core_schema__, mode="validation"))
    return schema


def _choice(name: str, models: Mapping[str, type[BaseModel]]) -> Schema:
    """A choice by key: one ``if``/``then`` each, so that errors are about the form that was meant."""
    return {
        "title": name,
        "type": "object",
        "oneOf": [{"required": [key]} for key in models],
        "allOf": [
            {"if": {"required": [key]}, "then": {"$ref": f"#/$defs/{model.__name__}"}} for key, model in models.items()
        ],
    }


def _tidied(node: Any) -> Any:
    if isinstance(node, list):
        return [_tidied(item) for item in node]
    if not isinstance(node, dict):
        return node
    if _CHOICE in node:
        return {"$ref": f"#/$defs/{node[_CHOICE]}"}
    tidy = {key: _tidied(value) for key, value in node.items()}
    if isinstance(tidy.get("properties"), dict):
        tidy["properties"] = {name: _property(value) for name, value in tidy["properties"].items()}
    if isinstance(tidy.get("title"), str):
        tidy["title"] = tidy["title"].removesuffix("Document")
    return _keyed(tidy)


def _property(schema: Any) -> Any:
    """A property without Pydantic's made-up title, and without ``default: null`` where null is refused."""
    if not isinstance(schema, dict):
        return schema
    return {key: value for key, value in schema.items() if key != "title" and not (key == "default" and value is None)}


def _keyed(schema: Schema) -> Schema:
    """Keys that must match one pattern, said by ``propertyNames``: ``patternProperties`` would let others pass."""
    patterns = schema.get("patternProperties")
    if not isinstance(patterns, dict) or len(patterns) != 1:
        return schema
    pattern, value = next(iter(patterns.items()))
    rest = {key: entry for key, entry in schema.items() if key != "patternProperties"}
    return {**rest, "propertyNames": {"pattern": pattern}, "additionalProperties": value}
