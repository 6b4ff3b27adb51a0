"""From a model's text to a checked value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice

from nano_flow.core.messages import Json
from nano_flow.core.strict_json import strict_json
from nano_flow.source.json_schema import complaints
from nano_flow.source.judging.meter import USUAL, Patience, TooLong


class OutputBroken(Exception):
    """A text is not what a schema asks for; ``str()`` tells a model what to mend."""


_SHORT = 100_000
"""Characters that are read in a millisecond."""
_FENCE = re.compile(r"```[^\n`]*\n(.*?)(?:\n[ \t]*```|\Z)", re.DOTALL)
_OPENING = re.compile(r"[{\[]")
_MOST_PLACES = 16
"""Where a value is looked for at most."""
_DECODER = json.JSONDecoder()


def read_output(text: str, schema: Mapping[str, Json], patience: Patience = USUAL) -> Json:
    """The JSON value in ``text``, valid under ``schema``; words and a Markdown fence around it are passed over.

    Raises OutputBroken; TooLong as ``complaints`` does.
    """
    if patience.is_short and len(text) > _SHORT:
        raise TooLong
    try:
        value = parse_json(text.strip())
    except OutputBroken as broken:
        return _read_inside(text, schema, patience, broken)
    check_schema(value, schema, patience)
    return value


def _read_inside(text: str, schema: Mapping[str, Json], patience: Patience, broken: OutputBroken) -> Json:
    """The first value inside of ``text`` that is valid; what is wrong with the first one, or with the whole, else."""
    first: OutputBroken | None = None
    for value in _values_in(text):
        try:
            check_schema(value, schema, patience)
        except OutputBroken as error:
            first = first or error
        else:
            return value
    raise first or broken


def _values_in(text: str) -> Iterator[Json]:
    """Mappings and lists that stand in ``text``: in its fences, then between its words."""
    for fence in islice(_FENCE.finditer(text), _MOST_PLACES):
        with suppress(ValueError):
            yield strict_json(fence[1].strip())
    end = 0
    for begin in islice(_OPENING.finditer(text), _MOST_PLACES):
        if begin.start() < end:
            continue  # inside of one that was read
        with suppress(ValueError, RecursionError):
            end = _DECODER.raw_decode(text, begin.start())[1]
            yield strict_json(text[begin.start() : end])


def parse_json(text: str) -> Json:
    """Strict JSON (``core.strict_json``). OutputBroken for anything else."""
    try:
        return strict_json(text)
    except ValueError as error:
        raise OutputBroken(f"not valid JSON: {error}") from None


def check_schema(value: Json, schema: Mapping[str, Json], patience: Patience = USUAL) -> None:
    """OutputBroken naming the first violations of ``schema``; TooLong as ``complaints`` raises it."""
    errors = complaints(value, schema, patience=patience)
    if errors:
        raise OutputBroken("; ".join(errors))
