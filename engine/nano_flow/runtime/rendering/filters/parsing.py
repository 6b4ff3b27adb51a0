"""Filters that take a text apart: lines, columns, tables, patterns."""

from __future__ import annotations

import re

from jinja2.runtime import Context

from nano_flow.runtime.rendering.failure import RenderFailure, kind_of
from nano_flow.runtime.rendering.filters.arguments import whole
from nano_flow.runtime.rendering.plain import text_of
from nano_flow.runtime.rendering.sandbox import meter_of
from nano_flow.source.regex_guard import PatternTooSlow, substitute
from nano_flow.source.tables import csv_rows, jsonl_values, lines_of


def lines(context: Context, value: object) -> object:
    """The lines of a text, without their ends."""
    return lines_of(_text(context, value, "lines"))


def split(context: Context, value: object, sep: object = None, maxsplit: object = None) -> object:
    """The parts of a text between separators; without one, between runs of white space."""
    source = _text(context, value, "split")
    separator = None if sep is None else text_of(sep)
    if separator == "":
        raise RenderFailure("split: the separator is empty")
    return list(source.split(separator, -1 if maxsplit is None else whole(maxsplit, "maxsplit", 10_000_000)))


def fromcsv(context: Context, value: object, sep: object = ",", header: object = True) -> object:
    """The rows of a table in CSV: mappings by its header, or lists where ``header`` is false."""
    source = _text(context, value, "fromcsv")
    try:
        return csv_rows(source, text_of(sep), header=bool(header))
    except ValueError as error:
        raise RenderFailure(f"fromcsv: {error}") from None


def fromjsonl(context: Context, value: object) -> object:
    """The values of JSON lines."""
    source = _text(context, value, "fromjsonl")
    try:
        return jsonl_values(source)
    except ValueError as error:
        raise RenderFailure(f"fromjsonl: {error}") from None


def replace_re(context: Context, value: object, pattern: object, text: object) -> str:
    """Every match of the regular expression ``pattern`` replaced; ``\\1`` and ``\\g<name>`` stand for its groups."""
    if not isinstance(pattern, str) or not isinstance(text, str):
        raise RenderFailure("replace_re needs two texts, a pattern and what takes the place of its matches")
    source = text_of(value)
    meter = meter_of(context)
    meter.work(1 + len(source) // 4)
    try:
        return substitute(pattern, text, source, lambda made: meter.make(made))
    except (ValueError, IndexError, re.error) as error:
        raise RenderFailure(f"replace_re: {error}") from None
    except PatternTooSlow as error:
        raise RenderFailure(str(error)) from None


def _text(context: Context, value: object, name: str) -> str:
    if not isinstance(value, str):
        raise RenderFailure(f"{name} needs a text, not {kind_of(value)}")
    meter = meter_of(context)
    meter.work(1 + len(value) // 16)
    meter.make(len(value))
    return value
