"""Name → filter or test: each metered, given defined values only, and giving plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from jinja2 import TemplateError, Undefined, filters, pass_context, tests
from jinja2.runtime import Context

from nano_flow.runtime.rendering.failure import RenderFailure, explain
from nano_flow.runtime.rendering.filters import data, lists, parsing, texts
from nano_flow.runtime.rendering.filters.internal import INTERNAL
from nano_flow.runtime.rendering.filters.lists import OF_JINJA, Filter, of_jinja
from nano_flow.runtime.rendering.meter import fail
from nano_flow.runtime.rendering.plain import checked_float, checked_integer
from nano_flow.runtime.rendering.sandbox import Sandbox, meter_of
from nano_flow.source.guard.vocabulary import TESTS

FAULTS = (
    TemplateError,
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
    MemoryError,
)
"""What a wrong value can raise in a filter, test or operator of Python or Jinja."""

JINJA_LISTS = ("batch", "slice", "sort", "min", "max", "groupby", "map", "select", "reject", "selectattr", "rejectattr")

FILTERS: Mapping[str, Filter] = {
    "abs": data.absolute,
    "batch": lists.batch,
    "capitalize": texts.capitalize,
    "center": texts.center,
    "count": lists.length,
    "d": lists.default,
    "default": lists.default,
    "dictsort": lists.dictsort,
    "e": texts.escape,
    "escape": texts.escape,
    "filesizeformat": texts.filesizeformat,
    "first": lists.first,
    "flatten": lists.flatten,
    "float": data.floating,
    "forceescape": texts.escape,
    "format": texts.format_,
    "fromcsv": parsing.fromcsv,
    "fromjson": data.fromjson,
    "fromjsonl": parsing.fromjsonl,
    "groupby": of_jinja("groupby"),
    "indent": texts.indent,
    "int": data.integer,
    "items": lists.items,
    "join": texts.join,
    "last": lists.last,
    "length": lists.length,
    "lines": parsing.lines,
    "list": lists.list_,
    "lower": texts.lower,
    "map": of_jinja("map"),
    "match": data.match,
    "max": of_jinja("max"),
    "min": of_jinja("min"),
    "reject": of_jinja("reject"),
    "rejectattr": of_jinja("rejectattr"),
    "replace": texts.replace,
    "replace_re": parsing.replace_re,
    "reverse": lists.reverse,
    "round": data.round_,
    "safe": texts.string,
    "select": of_jinja("select"),
    "selectattr": of_jinja("selectattr"),
    "slice": lists.slice_,
    "sort": of_jinja("sort"),
    "split": parsing.split,
    "string": texts.string,
    "striptags": texts.striptags,
    "sum": lists.sum_,
    "title": texts.title,
    "tojson": data.tojson,
    "trim": texts.trim,
    "truncate": texts.truncate,
    "truncate_tokens": data.truncate_tokens,
    "unique": lists.unique,
    "upper": texts.upper,
    "urlencode": texts.urlencode,
    "wordcount": texts.wordcount,
    "wordwrap": texts.wordwrap,
}

TAKES_MISSING = frozenset({"default", "d", "items"})
LOOKS_AT_LITTLE = frozenset({"default", "d", "first", "last", "length", "count", *TAKES_MISSING})
ORDERS = frozenset({"!=", "<", "<=", "==", ">", ">=", "eq", "equalto", "ne", "in"})
COMPARES = ORDERS | {"lt", "le", "gt", "ge", "lessthan", "greaterthan"}
SEES_MISSING = frozenset({"defined", "undefined"})


def install(sandbox: Sandbox) -> Sandbox:
    """Give ``sandbox`` the filters and tests of the language."""
    sandbox.filters.update({name: _metered(name, function) for name, function in FILTERS.items()})
    sandbox.filters.update({OF_JINJA + name: filters.FILTERS[name] for name in JINJA_LISTS})
    sandbox.filters.update(INTERNAL)
    sandbox.tests.update({name: _tested(name, cast(Filter, tests.TESTS[name])) for name in TESTS - {"match"}})
    sandbox.tests["match"] = sandbox.filters["match"]
    return sandbox


def _metered(name: str, function: Filter) -> Filter:
    @pass_context
    def run(context: Context, value: object = "", *arguments: object, **named: object) -> object:
        meter = meter_of(context)
        if name not in TAKES_MISSING:
            for given in (value, *arguments, *named.values()):
                if isinstance(given, Undefined):
                    fail(given)
        meter.handle(value) if name not in LOOKS_AT_LITTLE else meter.work(1)
        try:
            return _settled(context, function(context, value, *arguments, **named))
        except RenderFailure:
            raise
        except FAULTS as error:
            raise RenderFailure(f'the filter "{name}": {_argument_words(explain(error))}') from None

    return run


def _argument_words(message: str) -> str:
    """Python's words about wrong arguments, without the name of the function behind the filter."""
    before, found, rest = message.partition("()")
    return rest.strip() if found and before.replace("_", "").isalnum() else message


def _settled(context: Context, result: object) -> object:
    """``result`` as plain data that was paid for."""
    meter = meter_of(context)
    if isinstance(result, str):
        meter.make(len(result))
        return result
    if isinstance(result, Iterator):
        result = list(result)
    if isinstance(result, list):
        meter.work(1 + len(result) // 4)
    elif isinstance(result, float):
        checked_float(result)
    elif isinstance(result, int):
        checked_integer(result)
    return result


def _tested(name: str, function: Filter) -> Filter:
    @pass_context
    def run(context: Context, value: object, *arguments: object) -> object:
        meter = meter_of(context)
        meter.work(1)
        if name not in SEES_MISSING:
            for given in (value, *arguments):
                if isinstance(given, Undefined):
                    fail(given)
        if name in COMPARES:
            for given in (value, *arguments):
                meter.handle(given)
        try:
            return function(value, *arguments)
        except FAULTS as error:
            raise RenderFailure(f'the test "{name}": {_argument_words(explain(error))}') from None

    return run
