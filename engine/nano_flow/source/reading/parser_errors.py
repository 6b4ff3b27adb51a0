"""The parser's complaints in words that say what to type instead."""

from __future__ import annotations

import re

from yaml import YAMLError

from nano_flow.source.reading.problems import Problems

_BARE_TEMPLATE = re.compile(r"(?:^|[:\-,\[]\s+)(\{[{%].*)$")
_KEY_AND_TEXT = re.compile(r"^(\s*(?:-\s+)?[\w.-]+):\s+\S.*:(?:\s|$)")
_SPECIAL = frozenset("@`%")
_INDENTED = "the indentation does not fit the lines above", "keys of one mapping begin in the same column"
_OPEN = "a list or mapping in brackets is not closed, or an entry is not followed by a comma"
_BRACKET = "close the bracket, or quote the text"
_KNOWN: tuple[tuple[str, str, str], ...] = (
    ("scanning an alias", 'a text cannot begin with "*"', "quote it"),
    ("scanning an anchor", 'a text cannot begin with "&"', "quote it"),
    ("did not find expected key", *_INDENTED),
    ("did not find expected '-' indicator", *_INDENTED),
    ("expected <block end>", *_INDENTED),
    ("expected <end>", *_INDENTED),
    ("found unexpected ':'", 'a ":" without a space after it', 'put a space after ":", or quote the text'),
    ("end of stream", "the text ends inside a quoted text", "close the quotes"),
    ("',' or ']'", _OPEN, _BRACKET),
    ("',' or '}'", _OPEN, _BRACKET),
)
"""Part of what a parser says (libyaml's and PyYAML's words), and what is said instead."""


def add_parser_error(problems: Problems, error: YAMLError) -> None:
    """Note a syntax error where it is, with a hint where its cause is known."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    lines = problems.lines
    offset = min(mark.index, len(lines.text)) if mark else 0
    message, hint = _explained(problems, error, offset)
    problems.add("NF104", message, offset, min(offset + 1, len(lines.text)), hint=hint)


def _explained(problems: Problems, error: YAMLError, offset: int) -> tuple[str, str]:
    lines = problems.lines
    where = lines.range(offset, offset)
    line = lines.line(where.line)
    problem = str(getattr(error, "problem", None) or "the text is not YAML")
    for text in (line, lines.line(where.line - 1)):
        template = _BARE_TEMPLATE.search(text)
        if template:
            return 'a text that begins with "{" is read as a mapping', f"quote it: '{template[1].strip()}'"
    if problem.startswith("mapping values are not allowed"):
        key = _KEY_AND_TEXT.match(line)
        block = f'write "{key[1].strip()}: |" and the text on the next lines' if key else 'use a block text ("|")'
        return 'a text with ": " in it is read as a mapping', f"quote it, or {block}"
    return _by_character(problem, lines.text[offset : offset + 1], line[: where.column - 1], error)


def _by_character(problem: str, character: str, before: str, error: YAMLError) -> tuple[str, str]:
    if character == "\t" or "\t" in before[: len(before) - len(before.lstrip())]:
        return "a tab is used for indentation", "indent with spaces"
    if character in _SPECIAL and problem.startswith("found character that cannot start"):
        return f'a text cannot begin with "{character}"', "quote it"
    said = f"{getattr(error, 'context', '')}: {problem}"
    for part, message, hint in _KNOWN:
        if part in said:
            return message, hint
    return problem, ""
