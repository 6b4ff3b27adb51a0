"""The arguments of a command."""

# No "from __future__ import annotations": Pydantic would parse every annotation of every class again at start-up.
import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from nano_flow.documents.common import Argument, Document, Items, Part


class ArgumentDocument(Document):
    """One argument of a command whose value may begin with `-`."""

    arg: Argument
    """The argument: a template."""
    dash: Literal["allow"]
    """A value that begins with `-` is meant as an option."""


SIZE_PATTERN = r"^[0-9]{1,9}(?:\.[0-9]{1,3})? ?(?:B|[kKM]|[kKM]i?B)$"
MAX_OUTPUT = 64 * 1024 * 1024
_SIZE = re.compile(SIZE_PATTERN.replace("$", r"\Z"))
_UNITS = {"": 1, "k": 1024, "ki": 1024, "m": 1024**2, "mi": 1024**2}


def byte_count(value: object) -> int:
    """Bytes of a whole number, ``500k``, ``4M``, ``4MiB``; ValueError for anything else, and beyond 64 MiB."""
    if isinstance(value, str) and _SIZE.match(value) is not None:
        number = value.rstrip("BkKMi ")
        unit = value[len(number) :].strip().rstrip("B").lower()
        value = int(Decimal(number) * _UNITS[unit])
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MAX_OUTPUT:
        raise ValueError("expected a number of bytes such as 500k or 4M, at most 64M")
    return value


_SIZE_SCHEMA = {
    "anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_OUTPUT}, {"type": "string", "pattern": SIZE_PATTERN}],
    "description": "Bytes; 500k, 4M and 4MiB are allowed, at most 64M.",
}
ByteCount = Annotated[int, PlainValidator(byte_count), WithJsonSchema(_SIZE_SCHEMA)]
CommandLine = Annotated[Items[Argument | Part[ArgumentDocument]], Field(min_length=1)]
"""The arguments of a command, the program first."""
