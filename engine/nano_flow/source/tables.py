"""Tables and lists as people keep them in text: CSV with a header, JSON lines, plain lines."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Callable, Iterator, Mapping

from nano_flow.core.messages import Json
from nano_flow.core.strict_json import strict_json

_LONGEST_FIELD = 64 * 1024 * 1024
_field_limit = threading.Lock()


def lines_of(text: str) -> list[Json]:
    """The lines of ``text`` without their ends; what a line break at the end begins is no line."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    return list(plain.removesuffix("\n").split("\n")) if plain else []


def csv_rows(text: str, separator: str = ",", *, header: bool = True) -> list[Json]:
    """The rows of ``text``: mappings by the names of the first row, or lists; all values are texts.

    Raises ValueError naming the line: a row of another length, a name that stands twice or not at all.
    """
    if len(separator) != 1 or separator in '"\r\n':
        raise ValueError("the separator of columns is one character, such as `;`")
    rows = _rows(text.removeprefix("\ufeff"), separator)
    if not header:
        return [list(row) for _, row in rows]
    names = next(rows, (1, []))[1]
    for position, name in enumerate(names, 1):
        if not name.strip():
            raise ValueError(f"line 1: column {position} has no name")
    twice = next((name for position, name in enumerate(names) if name in names[:position]), None)
    if twice is not None:
        raise ValueError(f'line 1: the column "{twice}" stands twice')
    return [_named(names, line, row) for line, row in rows]


def _named(names: list[str], line: int, row: list[str]) -> Json:
    if len(row) != len(names):
        raise ValueError(f"line {line}: {len(row)} values, but the header has {len(names)} columns")
    return dict(zip(names, row, strict=True))


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Line and values of each row; empty lines are none."""
    # The module's bound on a field is one for the whole process, so it is set for as long as we read and put back.
    with _field_limit:
        before = csv.field_size_limit(_LONGEST_FIELD)
        try:
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
            found = [(reader.line_num, row) for row in reader if row]
        except csv.Error as error:
            raise ValueError(f"line {reader.line_num}: this is not CSV: {error}") from None
        finally:
            csv.field_size_limit(before)
    yield from found


def jsonl_values(text: str) -> list[Json]:
    """The value of each line that is not blank. Raises ValueError naming the line."""
    values: list[Json] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if line.strip():
            try:
                values.append(strict_json(line))
            except json.JSONDecodeError as error:
                raise ValueError(f"line {number}: this is not JSON: {error.msg.lower()}") from None
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from None
    return values


def json_list(text: str) -> list[Json]:
    """The list that ``text`` is as JSON. Raises ValueError naming the line, or where it is something else."""
    try:
        value = strict_json(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}: this is not JSON: {error.msg.lower()}") from None
    if not isinstance(value, list):
        raise ValueError("the file holds one value, and not a list")
    return value


LISTS: Mapping[str, Callable[[str], list[Json]]] = {
    "csv": csv_rows,
    "jsonl": jsonl_values,
    "json": json_list,
    "txt": lines_of,
}
"""The ending of a file's name → how the list in it is read; each raises ValueError."""


def ending_of(path: str) -> str:
    """What stands after the last dot of a file's name, in small letters; nothing where there is none."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


def list_endings() -> str:
    """The endings of ``LISTS`` as a sentence names them."""
    *others, last = (f".{ending}" for ending in LISTS)
    return f"{', '.join(others)} or {last}"
