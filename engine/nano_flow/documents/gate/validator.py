"""JSON Schema as strict as the models: 1.0 is no whole number, a pattern's end is the end of the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from nano_flow.documents.gate.schema import Schema


def strict_validator(schema: Schema) -> Validator:
    """A validator of plain data for ``schema``."""
    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
    extended: Any = extend  # its stub leaves it untyped
    strict = extended(Draft202012Validator, {"pattern": _pattern, "const": _const}, type_checker=types)
    validator: Validator = strict(schema)
    return validator


def _is_integer(_: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _pattern(_: Validator, pattern: str, value: object, __: Schema) -> Iterator[ValidationError]:
    if isinstance(value, str) and re.search(pattern.replace("$", r"\Z"), value) is None:
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _const(_: Validator, expected: object, value: object, __: Schema) -> Iterator[ValidationError]:
    if type(value) is not type(expected) or value != expected:
        yield ValidationError(f"{expected!r} was expected")
