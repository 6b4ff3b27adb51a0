"""Finds a character of a scalar's value in the text it was written as: quoted, folded, indented or plain."""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\r\n[ \t]*|[\r\n][ \t]*|.)", re.DOTALL)
_ANCHOR = re.compile(r"&[^\s]+[ \t\r\n]+")
_HEADER = re.compile(r"[|>][-+0-9]*[^\r\n]*(?:\r\n?|\n)?")
_LINE_BREAKS = re.compile(r"[ \t]*(?:[\r\n][ \t\r\n]*)")
_BLANKS = re.compile(r"[ \t\r\n]*")
_INDENT = re.compile(r"^([ ]*)[^\s]", re.MULTILINE)


def offset_in_source(written: str, value: str, line: int, column: int) -> int:
    """The offset in ``written`` of the character at (``line``, ``column``), both from 0, of ``value``."""
    anchor = _ANCHOR.match(written)
    if anchor is not None:
        return anchor.end() + offset_in_source(written[anchor.end() :], value, line, column)
    target = _offset_in_value(value, line, column)
    if written[:1] == "|":
        return _in_block(written, value, target)
    if written[:1] == ">":
        header = _HEADER.match(written)
        body = header.end() if header else 0
        indent = _BLANKS.match(written, body)
        return _in_flow(written, value, target, indent.end() if indent else body)
    if written[:1] in ('"', "'"):
        return _in_flow(written, value, target, 1)
    return _in_flow(written, value, target, 0)


def _offset_in_value(value: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line):
        end = value.find("\n", start)
        if end < 0:
            break
        start = end + 1
    return min(start + column, len(value))


def _in_block(written: str, value: str, target: int) -> int:
    header = _HEADER.match(written)
    position = header.end() if header else 0
    body = written[position:]
    first = _INDENT.search(body)
    explicit = re.match(r"[|>][-+]?([1-9])", written)
    indent = len(first[1]) if first else 0
    if explicit:
        indent = min(indent, _indent_of_value(value, indent))
    position += min(indent, len(body))
    for character in value[:target]:
        if position >= len(written):
            break
        if character == "\n":
            position = _next_line(written, position, indent)
        else:
            position += 1
    return min(position, max(len(written) - 1, 0))


def _indent_of_value(value: str, indent: int) -> int:
    first = _INDENT.search(value)
    return indent - len(first[1]) if first else indent


def _next_line(written: str, position: int, indent: int) -> int:
    position += 2 if written.startswith("\r\n", position) else 1
    end = position
    while end < len(written) and end - position < indent and written[end] == " ":
        end += 1
    return end


def _in_flow(written: str, value: str, target: int, position: int) -> int:
    quote = written[:1] if position else ""
    folded = False
    for character in value[:target]:
        blank = _LINE_BREAKS.match(written, position) if character in " \n" and not folded else None
        if blank is not None:
            position = blank.end()
            folded = True
        elif folded and character in " \n":
            continue
        else:
            folded = False
            position = _after(written, position, quote)
    return min(position, max(len(written) - 1, 0))


def _after(written: str, position: int, quote: str) -> int:
    if quote == "'" and written.startswith("''", position):
        return position + 2
    if quote != '"':
        return position + 1
    match = _ESCAPE.match(written, position)
    while match and match[0][1] in "\r\n":  # an escaped line break yields no character: the next one does
        position = match.end()
        match = _ESCAPE.match(written, position)
    return match.end() if match else position + 1
