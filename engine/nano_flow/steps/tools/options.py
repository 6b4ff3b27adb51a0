"""Arguments that would be read as options: a value begins with ``-`` only where its schema admits it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json
from nano_flow.source.expressions import Template

_HARMLESS = frozenset({"boolean", "null"})
"""Types whose text never begins with a dash. That of a list does not either, but a template may take an item of it."""


def refuse_options(tool: str, argv: Sequence[Template], rendered: Sequence[str], schemas: Mapping[str, Json]) -> None:
    """StepError where a rendered argument begins with ``-`` although nobody who wrote the workflow said so.

    ``schemas`` has the schemas of ``args`` and ``inputs``. What stands behind a literal ``--`` is an operand.
    """
    for template, text in zip(argv, rendered, strict=True):
        if template.form == "literal":
            if template.source == "--":
                return
        elif text.startswith("-") and not template.source.startswith("-"):
            loose = [".".join(path) for path in template.references if not _admits(_schema_at(schemas, path))]
            if loose:
                raise StepError(
                    "tool",
                    f'the argument "{text[:80]}" of "{tool}" begins with "-" and could be read as an option; '
                    f'a "pattern" that begins with ^, an "enum" or a "const" for {loose[0]} may admit it',
                )


def _schema_at(schemas: Mapping[str, Json], path: Sequence[str]) -> Json:
    found: Json = {"properties": dict(schemas)}
    for part in path:
        properties = found.get("properties") if isinstance(found, dict) else None
        found = properties.get(part) if isinstance(properties, dict) else None
    return found


def _admits(schema: Json) -> bool:
    """Whether a schema says enough of its values that a dash in front is meant."""
    if not isinstance(schema, dict):
        return False
    pattern = schema.get("pattern")
    if "enum" in schema or "const" in schema or (isinstance(pattern, str) and pattern.startswith(("^", "\\A"))):
        return True
    types = set(_types(schema.get("type")))
    if types == {"array"}:
        return _admits(schema.get("items"))
    bounded = "minimum" in schema or "exclusiveMinimum" in schema
    return bool(types) and types <= (_HARMLESS | {"integer", "number"} if bounded else _HARMLESS)


def _types(written: Json) -> Iterator[str]:
    if isinstance(written, str):
        yield written
    elif isinstance(written, list):
        yield from (kind for kind in written if isinstance(kind, str))
