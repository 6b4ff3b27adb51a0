"""Expectations: a literal, or a mapping of matchers, held against what was seen; differences are sentences."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from nano_flow.core.messages import Json
from nano_flow.core.text import as_text
from nano_flow.source.regex_guard import PatternTooSlow, check_pattern, search

_SHOWN = 400


def differences(expected: object, actual: Json, where: str) -> Iterator[str]:
    """What differs, one sentence each: mappings match the keys that they give, lists match whole."""
    if isinstance(expected, Mapping) and expected and set(expected) <= set(MATCHERS):
        for name, wanted in expected.items():
            problem = MATCHERS[name](wanted, actual)
            if problem:
                yield f"{where}: {problem}"
    elif isinstance(expected, Mapping):
        yield from _mapping(expected, actual, where)
    elif isinstance(expected, list):
        yield from _list(expected, actual, where)
    elif not _same(expected, actual):
        yield f"{where}: expected {shown(expected)}, got {shown(actual)}"


def as_amount(wanted: object) -> object:
    """An expected amount of money as a number, also where it is written as text."""
    return Decimal(wanted) if isinstance(wanted, str) else wanted


def shown(value: object) -> str:
    """A value in a message, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"


def _mapping(expected: Mapping[str, object], actual: Json, where: str) -> Iterator[str]:
    if not isinstance(actual, dict):
        yield f"{where}: expected a mapping with {', '.join(expected)}, got {shown(actual)}"
        return
    for key, wanted in expected.items():
        if key not in actual:
            yield f"{where}.{key}: expected {shown(wanted)}, it is not there; there are {', '.join(actual) or 'none'}"
        else:
            yield from differences(wanted, actual[key], f"{where}.{key}")


def _list(expected: list[object], actual: Json, where: str) -> Iterator[str]:
    if not isinstance(actual, list) or len(actual) != len(expected):
        yield f"{where}: expected {shown(expected)}, got {shown(actual)}"
        return
    for index, (wanted, value) in enumerate(zip(expected, actual, strict=True)):
        yield from differences(wanted, value, f"{where}[{index}]")


def _same(expected: object, actual: Json) -> bool:
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, Decimal):
        return _number(actual) == expected
    return expected == actual


def _contains(wanted: object, actual: Json) -> str:
    if isinstance(wanted, list):
        return next((problem for part in wanted if (problem := _contains(part, actual))), "")
    if isinstance(actual, list) and any(_same(wanted, item) for item in actual):
        return ""
    if isinstance(actual, dict) and wanted in actual:
        return ""
    return (
        "" if as_text_of(wanted) in as_text(actual) else f"expected it to contain {shown(wanted)}, got {shown(actual)}"
    )


def _contains_not(wanted: object, actual: Json) -> str:
    parts = wanted if isinstance(wanted, list) else [wanted]
    found = [part for part in parts if not _contains(part, actual)]
    return f"expected it not to contain {shown(found[0])}, got {shown(actual)}" if found else ""


def _matches(wanted: object, actual: Json) -> str:
    pattern = str(wanted)
    reason = check_pattern(pattern)
    if reason is not None:
        return f"the pattern {shown(pattern)} is not usable: {reason}"
    try:
        found = search(pattern, as_text(actual))
    except PatternTooSlow as error:
        return str(error)
    return "" if found else f"expected it to match {shown(pattern)}, got {shown(actual)}"


def _bound(holds: Callable[[Decimal, Decimal], bool], word: str) -> Callable[[object, Json], str]:
    def check(wanted: object, actual: Json) -> str:
        value = _number(actual)
        limit = _number(wanted)
        if value is None or limit is None:
            return f"expected a number {word} {shown(wanted)}, got {shown(actual)}"
        return "" if holds(value, limit) else f"expected {word} {limit}, got {value}"

    return check


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        return Decimal(str(value))
    except ArithmeticError:
        return None


def as_text_of(value: object) -> str:
    """A wanted part as text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


MATCHERS: Mapping[str, Callable[[object, Json], str]] = {
    "contains": _contains,
    "not_contains": _contains_not,
    "matches": _matches,
    "at_most": _bound(lambda value, limit: value <= limit, "at most"),
    "at_least": _bound(lambda value, limit: value >= limit, "at least"),
}
