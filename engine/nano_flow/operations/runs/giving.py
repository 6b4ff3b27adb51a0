"""What a run gives back, handed on: one output by its name, or a table, lines, JSON or Markdown in a file."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json
from nano_flow.documents.load import load_workflow
from nano_flow.project.files import read_document


def check_wanted(file: str, name: str | None, path: Path | None) -> None:
    """Before anything is paid: the output exists, and the file is of a kind that can be written."""
    if path is not None and path.suffix.lower() not in _FORMS:
        raise UsageError(f'"{path}" does not say what it is to hold: end its name with {", ".join(_FORMS)}')
    if path is not None and not path.absolute().parent.is_dir():
        raise UsageError(f'the folder "{path.parent}" does not exist: make it, or name another for --output-file')
    if name is None:
        return
    outputs = load_workflow(read_document(file, file), file).document.outputs
    if isinstance(outputs, dict) and name not in outputs:
        there = ", ".join(outputs)
        raise UsageError(f'"{file}" has no output "{name}": it has {there}')
    if outputs is None:
        raise UsageError(f'"{file}" declares no outputs: add `outputs: {{{name}: "{{{{ steps.ID.output }}}}"}}`')


def chosen(outputs: Json, name: str | None) -> Json:
    """The output ``name``, or all of them. Raises UsageError where the run did not give it."""
    if name is None:
        return outputs
    if not isinstance(outputs, dict) or name not in outputs:
        raise UsageError(f'the run gave no output "{name}"')
    return outputs[name]


def as_text(value: Json) -> str:
    """A text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def write_value(path: Path, value: Json) -> None:
    """Write ``value`` in the form that the file's name says; whole or not at all. Raises UsageError."""
    text = _FORMS[path.suffix.lower()](value)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_text(text, encoding="utf-8", newline="")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UsageError(f'"{path}" cannot be written: {error.strerror or error}') from error


def _csv(value: Json) -> str:
    names, rows = _table(value)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([names, *rows] if names else rows)
    return text.getvalue()


def _jsonl(value: Json) -> str:
    if not isinstance(value, list):
        raise UsageError("JSON lines need a list: choose one with --output NAME, or write .json")
    return "".join(f"{json.dumps(item, ensure_ascii=False)}\n" for item in value)


def _json(value: Json) -> str:
    return f"{json.dumps(value, ensure_ascii=False, indent=2)}\n"


def _markdown(value: Json) -> str:
    if isinstance(value, str):
        return value if value.endswith("\n") else f"{value}\n"
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        names, rows = _table(value)
        lines = [names, ["---"] * len(names), *rows]
        return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)
    if isinstance(value, list):
        return "".join(f"- {as_text(item)}\n" for item in value)
    if isinstance(value, dict):
        return "\n".join(f"## {name}\n\n{_markdown(inner)}" for name, inner in value.items())
    return _json(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")


def _table(value: Json) -> tuple[list[str], list[list[str]]]:
    """Names of columns (none for rows that are lists) and rows of text."""
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        names = list(dict.fromkeys(name for row in value if isinstance(row, dict) for name in row))
        return names, [[_plain(row.get(name, "")) for name in names] for row in value if isinstance(row, dict)]
    if isinstance(value, list) and all(isinstance(row, list) for row in value):
        return [], [[_plain(cell) for cell in row] for row in value if isinstance(row, Sequence)]
    raise UsageError("a table needs a list of mappings: choose one with --output NAME, or write .json")


def _plain(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


_FORMS: dict[str, Callable[[Json], str]] = {".csv": _csv, ".jsonl": _jsonl, ".json": _json, ".md": _markdown}
