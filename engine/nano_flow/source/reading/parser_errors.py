"""The parser's complaints in words that say what to type instead."""

from __future__ import annotations

import re

from yaml import MarkedYAMLError

from nano_flow.source.reading.problems import Problems

_BARE_TEMPLATE = re.compile(r"(?:^|[:\-,\[]\s+)(\{[{%].*)$")
_KEY_AND_TEXT = re.compile(r"^(\s*(?:-\s+)?[\w.-]+):\s+\S.*:(?:\s|$)")
_SPECIAL = {
    "@": 'a text cannot begin with "@"',
    "`": 'a text cannot begin with "`"',
    "%": 'a text cannot begin with "%"',
}


def add_parser_error(problems: Problems, error: MarkedYAMLError) -> None:
    """Note a syntax error where it is, with a hint where its cause is known."""
    mark = error.problem_mark or error.context_mark
    lines = problems.lines
    if mark is None:
        problems.add("NF104", str(error), 0, 0)
        return
    offset = min(mark.index, len(lines.text))
    message, hint = _explained(problems, error, offset)
    problems.add("NF104", message, offset, min(offset + 1, len(lines.text)), hint=hint)


def _explained(problems: Problems, error: MarkedYAMLError, offset: int) -> tuple[str, str]:
    lines = problems.lines
    where = lines.range(offset, offset)
    line = lines.line(where.line)
    problem = (error.problem or "the text is not YAML").replace("<block ", "<").replace("<stream ", "<")
    for text in (line, lines.line(where.line - 1)):
        template = _BARE_TEMPLATE.search(text)
        if template:
            return 'a text that begins with "{" is read as a mapping', f"quote it: '{template[1].strip()}'"
    if problem.startswith("mapping values are not allowed"):
        key = _KEY_AND_TEXT.match(line)
        block = f'write "{key[1].strip()}: |" and the text on the next lines' if key else 'use a block text ("|")'
        return 'a text with ": " in it is read as a mapping', f"quote it, or {block}"
    return _by_character(problem, lines.text[offset : offset + 1], line[: where.column - 1], error)


def _by_character(problem: str, character: str, before: str, error: MarkedYAMLError) -> tuple[str, str]:
    if character == "\t" or "\t" in before[: len(before) - len(before.lstrip())]:
        return "a tab is used for indentation", "indent with spaces"
    if character in _SPECIAL and problem.startswith("found character that cannot start"):
        return _SPECIAL[character], "quote it"
    if error.context and "scanning an alias" in error.context:
        return 'a text cannot begin with "*"', "quote it"
    if error.context and "scanning an anchor" in error.context:
        return 'a text cannot begin with "&"', "quote it"
    if problem.startswith(("did not find expected key", "expected <block end>", "expected <end>")):
        return "the indentation does not fit the lines above", "keys of one mapping begin in the same column"
    if problem == "found unexpected ':'":
        return 'a ":" without a space after it', 'put a space after ":", or quote the text'
    if "end of stream" in problem:
        return "the text ends inside a quoted text", "close the quotes"
    if "',' or ']'" in problem or "',' or '}'" in problem:
        return f"{problem} of the list or mapping in brackets", "close the bracket, or quote the text"
    return problem, ""
