"""Reads a YAML text into plain data with positions; every bound holds before anything is constructed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yaml import YAMLError
from yaml.events import Event

from nano_flow.source.collector import collector_paused
from nano_flow.source.reading.builder import Builder
from nano_flow.source.reading.parser_errors import add_parser_error
from nano_flow.source.reading.problems import Problems
from nano_flow.source.reading.text_checks import check_characters, check_directives, decode
from nano_flow.source.source_map import Lines, SourceDocument

NextEvent = Callable[[], Event | None]


def read_yaml(text: bytes | str, file: str, *, pure: bool = False) -> SourceDocument:
    """``text`` as plain data with positions. Raises DocumentError (``NF1xx``) with everything that is wrong.

    Strings, numbers, booleans and null follow JSON; keys are always strings. ``pure`` reads without libyaml, which
    is also what happens where it is not installed.
    """
    decoded = decode(text, file)
    lines = Lines(file, decoded)
    problems = Problems(lines)
    check_characters(problems)
    check_directives(problems)
    with collector_paused():
        builder = _build(problems, decoded, pure)
    if builder.empty and not problems.errors:
        problems.add("NF105", "the file is empty", 0, 0, hint='begin with "nano_flow: 1"')
    problems.raise_errors()
    return SourceDocument(builder.data, builder.positions, lines, problems.found)


def _build(problems: Problems, text: str, pure: bool) -> Builder:
    builder = Builder(problems)
    handlers = builder.handlers
    next_event = _pure_parser(text) if pure else _parser(text)
    try:
        while (event := next_event()) is not None:
            handler = handlers.get(type(event))
            if handler is not None:
                handler(event)
    except YAMLError as error:
        add_parser_error(problems, error)
    return builder


def _parser(text: str) -> NextEvent:
    try:
        from yaml._yaml import CParser
    except ImportError:  # PyYAML without libyaml: the same events, slower
        return _pure_parser(text)
    get_event: Any = CParser(text).get_event
    return get_event  # type: ignore[no-any-return]


def _pure_parser(text: str) -> NextEvent:
    from yaml import SafeLoader

    get_event: Any = SafeLoader(text).get_event
    return get_event  # type: ignore[no-any-return]
