"""Writes the schemas of all documents, with the help that editors show, for ``schemas/``."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from nano_flow.documents.gate.kinds import Kind
from nano_flow.documents.gate.schema import DIALECT, Schema, schema_of

TITLES = {
    "workflow": "A nano-flow workflow",
    "providers": "nano-flow: providers and models",
    "routing": "nano-flow: routing",
    "pricing": "nano-flow: prices",
    "service": "nano-flow: a service",
    "test": "nano-flow: tests of a workflow or of the routing policy",
}
"""The schemas that are exported, and their titles."""


def exported() -> dict[str, str]:
    """File name → text of every schema."""
    return {f"{name}.schema.json": schema_text(name) for name in TITLES}


def schema_text(name: str) -> str:
    """The text of the schema ``name``, one of ``TITLES``."""
    schema = described_schema(name)
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def described_schema(name: str) -> Schema:
    """The schema ``name`` with titles and with the descriptions that stand under the models' fields."""
    help_texts = _help_texts()
    if name == "test":
        return {"$schema": DIALECT, "title": TITLES[name], **_tests(help_texts)}
    kinds: dict[str, Kind] = {
        "workflow": "workflow",
        "providers": "providers",
        "routing": "routing",
        "pricing": "pricing",
        "service": "service",
    }
    schema = _described(schema_of(kinds[name]), help_texts)
    return {**(_partial(schema) if name in _POLICIES else schema), "title": TITLES[name]}


_POLICIES = frozenset({"providers", "routing", "pricing"})
_WHOLE: dict[str, tuple[str, ...]] = {
    "ProviderDocument": ("providers", "*"),
    "TierDocument": ("tiers", "*"),
    "CascadeDocument": ("cascades", "*"),
    "CooldownDocument": ("fallback", "cooldown"),
}
"""Definitions that are merged by key with those of a file that is extended, and where they stand."""


def _partial(schema: Schema) -> Schema:
    """The same for a file that ``extends`` another: it says what it changes, and ``null`` takes away."""
    whole: Schema = {"required": schema["required"]}
    for name, path in _WHOLE.items():
        definition = schema["$defs"].get(name, {})
        wanted = {key: definition.pop(key) for key in ("required", "oneOf") if key in definition}
        inner: Schema = whole
        for part in path if wanted else ():
            inner = inner.setdefault("properties", {}).setdefault(part, {}) if part != "*" else _each(inner)
        inner |= wanted
    for definition in (schema, *(schema["$defs"].get(name, {}) for name in _WHOLE)):
        for value in definition.get("properties", {}).values():
            entries = value.get("additionalProperties")
            if isinstance(entries, dict):
                value["additionalProperties"] = {"anyOf": [entries, {"type": "null"}]}
            value.pop("minProperties", None)
    without = {"if": {"not": {"required": ["extends"]}}, "then": whole}
    return {**schema, "required": ["nano_flow"], **without}


def _each(inner: Schema) -> Schema:
    found: Schema = inner.setdefault("additionalProperties", {})
    return found


def write(folder: Path) -> list[Path]:
    """Write all schemas into ``folder``; the files that changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for file_name, text in exported().items():
        path = folder / file_name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def drifted(folder: Path) -> list[str]:
    """The names of schemas in ``folder`` that are missing or differ from the models."""
    return [
        file_name
        for file_name, text in exported().items()
        if not (folder / file_name).exists() or (folder / file_name).read_text(encoding="utf-8") != text
    ]


def _tests(help_texts: dict[str, dict[str, str]]) -> Schema:
    workflow, policy = (_described(schema_of(kind), help_texts) for kind in ("test", "policy_test"))
    definitions = {**workflow.pop("$defs", {}), **policy.pop("$defs", {})}
    for schema in (workflow, policy):
        schema.pop("$schema")
    definitions |= {"WorkflowTests": workflow, "PolicyTests": policy}
    return {
        "type": "object",
        "if": {"required": ["workflow"]},
        "then": {"$ref": "#/$defs/WorkflowTests"},
        "else": {"$ref": "#/$defs/PolicyTests"},
        "$defs": dict(sorted(definitions.items())),
    }


def _described(schema: Schema, help_texts: dict[str, dict[str, str]]) -> Schema:
    for definition in (schema, *schema.get("$defs", {}).values()):
        title = definition.get("title", "")
        fields = help_texts.get(title) or help_texts.get(f"{title}Document") or {}
        for name, value in definition.get("properties", {}).items():
            value["description"] = fields[name]
    for definition in schema.get("$defs", {}).values():
        _offer_keys(definition, schema["$defs"])
    return schema


def _offer_keys(definition: Schema, definitions: Schema) -> None:
    """Name the keys of a choice in ``properties`` too: editors offer them before the choice is made."""
    for branch in definition.get("allOf", []):
        chosen = definitions[branch["then"]["$ref"].rpartition("/")[2]]
        for key in branch["if"]["required"]:
            definition.setdefault("properties", {})[key] = {"description": chosen.get("description", "")}


def _help_texts() -> dict[str, dict[str, str]]:
    """Class → key → the text that stands under the field, with what it inherits."""
    from nano_flow.documents import (
        agent,
        commands,
        common,
        pricing,
        providers,
        routing,
        service,
        steps,
        tests,
        workflow,
    )

    found: dict[str, dict[str, str]] = {}
    for module in (common, agent, commands, steps, workflow, providers, routing, pricing, service, tests):
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.ClassDef):
                found[node.name] = _fields(node, module, found)
    return found


def _fields(node: ast.ClassDef, module: ModuleType, known: dict[str, dict[str, str]]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for base in node.bases:
        fields |= known.get(getattr(base, "id", ""), {})
    model: Any = getattr(module, node.name)
    for field, text in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and _is_text(text):
            info = getattr(model, "model_fields", {}).get(field.target.id)
            fields[(info and info.alias) or field.target.id] = _text(text)
    return fields


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _text(node: ast.stmt) -> str:
    constant: Any = getattr(node, "value", None)
    return inspect.cleandoc(str(constant.value))


if __name__ == "__main__":
    for changed_file in write(Path(sys.argv[1] if len(sys.argv) > 1 else "schemas")):
        sys.stdout.write(f"{changed_file}\n")
