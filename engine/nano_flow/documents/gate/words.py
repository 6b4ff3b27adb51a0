"""Types, values and near names in words: what was expected, what was found, what to type."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from nano_flow.documents.common import (
    DURATION_PATTERN,
    TIMEOUT_PATTERN,
    TOKENS_PATTERN,
    Identifier,
    Name,
    StepId,
    Title,
    Variable,
)
from nano_flow.source.reading.text_checks import escaped
from nano_flow.source.scalars import ExactFloat

_TYPES = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
DURATION = "a duration such as 30s, 5m or 1h30m"
TOKENS = "a number of tokens such as 2000, 200k or 1M"
_PATTERNS = {
    DURATION_PATTERN: DURATION,
    TIMEOUT_PATTERN: "a duration above 0 s such as 30s, 5m or 1h30m",
    TOKENS_PATTERN: TOKENS,
    r"\{\{": "a template ({{ … }})",
    r"^[^/\s]+/\S+$": "provider/model",
}
_NAMED: tuple[tuple[Any, str], ...] = (
    (StepId, 'lower-case letters, digits and "_", beginning with a letter'),
    (Variable, 'letters, digits and "_", beginning with a lower-case letter'),
    (Identifier, 'letters, digits and "_", not beginning with a digit'),
    (Name, 'letters, digits, ".", "_" and "-"'),
    (Title, 'letters, digits, ".", "_", "-" and spaces'),
)
_ONCE_BOOLEAN = {
    **dict.fromkeys(("yes", "Yes", "YES", "on", "On", "ON", "y", "Y", "True", "TRUE"), "true"),
    **dict.fromkeys(("no", "No", "NO", "off", "Off", "OFF", "n", "N", "False", "FALSE"), "false"),
}
_LOOSE_NUMBER = re.compile(r"[+-]?[0-9][0-9_,]*(?:\.[0-9]+)?")
_CLOCK = re.compile(r"[0-9]+:[0-9:]+")
_FOREIGN = {
    "if": "when",
    "condition": "when",
    "depends_on": "needs",
    "dependson": "needs",
    "dependencies": "needs",
    "depends": "needs",
    "after": "needs",
    "foreach": "for_each",
    "matrix": "for_each",
    "with_items": "for_each",
    "loop": "repeat",
    "retries": "retry",
    "shell_command": "run",
    "command": "run",
    "bash": "run",
    "script": "run",
    "agent": "prompt",
    "user_prompt": "prompt",
    "system_prompt": "system",
    "max_tokens": "max_output_tokens",
    "uses": "workflow",
    "continue_on_error": "on_error",
    "concurrency": "max_parallel",
    "parallel": "max_parallel",
    "parallelism": "max_parallel",
    "timeout_seconds": "timeout",
    "timeout_minutes": "timeout",
    "human": "approve",
    "approval": "approve",
    "version": "nano_flow",
    "variables": "set",
    "vars": "set",
    "jobs": "steps",
    "tasks": "steps",
    "nodes": "steps",
    "temperature": "params",
    "cost": "budget",
}


def type_words(expected: str | list[str]) -> str:
    """``"integer"`` → ``a whole number``; a list is joined with "or"."""
    names = [expected] if isinstance(expected, str) else expected
    return any_of(_TYPES.get(name, name) for name in names)


def any_of(words: Iterable[str]) -> str:
    """``a, b or c``, each once."""
    unique = list(dict.fromkeys(words))
    return unique[0] if len(unique) == 1 else f"{', '.join(unique[:-1])} or {unique[-1]}"


def pattern_words(pattern: str) -> str:
    """What a pattern stands for, in words; the pattern itself where it has none."""
    for named, words in _NAMED:
        if named.__metadata__[0].pattern == pattern:
            return words
    return _PATTERNS.get(pattern, f"text that matches {pattern}")


def found_words(value: Any) -> str:
    """A value as a message shows it: ``the text "no"``, ``the number 3``, ``a list``, ``nothing``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, int | float):
        return f"the number {value.text if isinstance(value, ExactFloat) else value}"
    return f'the text "{shortened(str(value))}"'


def shortened(text: str, width: int = 40) -> str:
    """``text`` on one line, visible, cut to ``width``."""
    line = escaped(text[: width + 1])
    return f"{line[:width]}…" if len(text) > width else line


def look_alike_hint(expected: str, value: Any) -> str:
    """A hint where a text looks like what was expected, or a value like a text; else empty.

    ``no``, ``010``, ``1_000``, ``12:30`` and ``2024-01-01`` are texts here, whatever they were in YAML 1.1.
    """
    if isinstance(value, bool | int | float) and expected.startswith("text"):
        return f'put it into quotes: "{_written(value)}"'
    if not isinstance(value, str):
        return "a key without a value holds nothing: give one, or remove the key" if value is None else ""
    if "true or false" in expected and value in _ONCE_BOOLEAN:
        return f'"{value}" is text in YAML 1.2: write {_ONCE_BOOLEAN[value]}'
    if ("number" in expected or "amount" in expected) and _LOOSE_NUMBER.fullmatch(value):
        number = value.replace("_", "").replace(",", "").lstrip("+").lstrip("0") or "0"
        return f"write {number} without quotes" if not number.startswith(".") else f"write 0{number}"
    if "duration" in expected and _CLOCK.fullmatch(value):
        return f'"{value}" is text: hours and minutes are written 1h30m'
    return ""


def nearest(word: str, names: Iterable[str]) -> str:
    """``did you mean "prompt"?`` for the name nearest to ``word``; empty where none is near."""
    known = list(names)
    plain = word.lower().replace("-", "_")
    foreign = _FOREIGN.get(plain)
    if foreign in known:
        return f'did you mean "{foreign}"?'
    near = [plain] if plain in known else get_close_matches(plain[:60], known, n=1, cutoff=0.7)
    return f'did you mean "{near[0]}"?' if near else ""


def _written(value: bool | int | float) -> str:
    if isinstance(value, ExactFloat):
        return value.text
    return str(value).lower() if isinstance(value, bool) else str(value)
