"""JSON Schemas made from the Pydantic models, in a form that gives useful errors and editor help."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from nano_flow.documents.gate.kinds import Kind, model_of

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_CHOICE = "x-choice"


class _Generator(GenerateJsonSchema):
    """Turns a union that is told apart by a key into a named definition with one ``if``/``then`` per key."""

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> Schema:
        discriminator: Any = schema["discriminator"]
        name = discriminator.__name__.removeprefix("kind_of_").title()
        choices = {str(key): self.generate_inner(choice) for key, choice in schema["choices"].items()}
        return {_CHOICE: name, "choices": choices}


def schema_of(kind: Kind) -> Schema:
    """The JSON Schema (2020-12) of one kind of document."""
    raw = model_of(kind).model_json_schema(schema_generator=_Generator, mode="validation")
    definitions: Schema = {}
    schema = _tidied(raw, definitions)
    definitions.update(schema.pop("$defs", {}))
    if definitions:
        schema["$defs"] = dict(sorted(definitions.items()))
    return {"$schema": DIALECT, **schema}


def _tidied(node: Any, definitions: Schema) -> Any:
    if isinstance(node, list):
        return [_tidied(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if _CHOICE in node:
        return {**_choice(node, definitions), **{key: node[key] for key in ("description",) if key in node}}
    tidy = {key: _tidied(value, definitions) for key, value in node.items()}
    if isinstance(tidy.get("properties"), dict):
        tidy["properties"] = {name: _property(value) for name, value in tidy["properties"].items()}
    if "title" in tidy and isinstance(tidy["title"], str):
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


def _choice(node: Schema, definitions: Schema) -> Schema:
    name = node[_CHOICE]
    if name not in definitions:
        keys = list(node["choices"])
        definitions[name] = {
            "title": name,
            "type": "object",
            "oneOf": [{"required": [key]} for key in keys],
            "allOf": [
                {"if": {"required": [key]}, "then": _tidied(choice, definitions)}
                for key, choice in node["choices"].items()
            ],
        }
    return {"$ref": f"#/$defs/{name}"}
