"""Filters over lists and mappings; those that Jinja has are Jinja's, behind the member rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jinja2 import Undefined
from jinja2.runtime import Context

from nano_flow.runtime.rendering.failure import RenderFailure, kind_of
from nano_flow.runtime.rendering.filters.arguments import items_of, number, whole
from nano_flow.runtime.rendering.sandbox import meter_of
from nano_flow.source.guard.sizes import MAX_RANGE

Filter = Callable[..., object]
OF_JINJA = "~jinja."


def of_jinja(name: str) -> Filter:
    """Jinja's own filter ``name``, given a list."""

    def apply(context: Context, value: object, *arguments: object, **named: object) -> object:
        items = items_of(value, name)
        meter_of(context).work(2 * len(items))  # each item is looked at by a function of its own
        environment = context.environment
        return environment.call_filter(OF_JINJA + name, items, arguments, named, context=context)

    return apply


def length(context: Context, value: object) -> int:
    """How many items, members or characters there are."""
    del context
    if isinstance(value, (str, list, tuple, Mapping)):
        return len(value)
    raise RenderFailure(f"length needs a text, list or mapping, not {kind_of(value)}")


def first(context: Context, value: object) -> object:
    """The first item."""
    return _one(context, value, 0, "first")


def last(context: Context, value: object) -> object:
    """The last item."""
    return _one(context, value, -1, "last")


def _one(context: Context, value: object, number_: int, name: str) -> object:
    items = value if isinstance(value, (list, tuple, str)) else items_of(value, name)
    return items[number_] if items else context.environment.undefined(f"{name}: it is empty")


def list_(context: Context, value: object) -> list[object]:
    """A list of the items, the keys of a mapping or the characters of a text."""
    del context
    return list(items_of(value, "list"))


def reverse(context: Context, value: object) -> object:
    """The other way round."""
    del context
    return value[::-1] if isinstance(value, str) else items_of(value, "reverse")[::-1]


def items(context: Context, value: object) -> list[object]:
    """The members of a mapping as pairs of key and value; none for null."""
    del context
    if value is None or isinstance(value, Undefined):
        return []
    if not isinstance(value, Mapping):
        raise RenderFailure(f"items needs a mapping, not {kind_of(value)}")
    return [[key, item] for key, item in value.items()]


def dictsort(
    context: Context, value: object, case_sensitive: object = False, by: object = "key", reverse: object = False
) -> list[object]:
    """The members of a mapping as pairs, in the order of the keys or (``by="value"``) of the values."""
    if by not in ("key", "value"):
        raise RenderFailure('"by" is "key" or "value"')
    place = 0 if by == "key" else 1

    def key(pair: object) -> object:
        part = pair[place]  # type: ignore[index]
        return part.lower() if isinstance(part, str) and not case_sensitive else part

    return sorted(items(context, value), key=key, reverse=bool(reverse))  # type: ignore[arg-type]


def flatten(context: Context, value: object, levels: object = None) -> list[object]:
    """Lists inside the list taken apart, all of them or ``levels`` deep; nulls stay."""
    meter = meter_of(context)
    depth = 64 if levels is None else whole(levels, "levels", 64)
    result = items_of(value, "flatten")
    for _ in range(depth):
        if not any(isinstance(item, (list, tuple)) for item in result):
            break
        parts: list[object] = []
        for item in result:
            meter.work(1)
            if isinstance(item, (list, tuple)):
                meter.work(len(item))
                parts.extend(item)
            else:
                parts.append(item)
        result = parts
    return list(result)


def batch(context: Context, value: object, linecount: object, fill_with: object = None) -> object:
    """Lists of ``linecount`` items each, the last one filled up with ``fill_with``."""
    size = whole(linecount, "linecount", MAX_RANGE, 1)
    return of_jinja("batch")(context, value, size, fill_with)


def slice_(context: Context, value: object, slices: object, fill_with: object = None) -> object:
    """As many lists as ``slices`` says, of about the same length."""
    count = whole(slices, "slices", MAX_RANGE, 1)
    meter_of(context).work(count)
    return of_jinja("slice")(context, value, count, fill_with)


def sum_(context: Context, value: object, attribute: object = None, start: object = 0) -> object:
    """The sum of numbers; with ``attribute``, of that member of each item."""
    values = items_of(value, "sum")
    if attribute is not None:
        mapped = context.environment.call_filter("map", values, [], {"attribute": attribute}, context=context)
        values = items_of(mapped, "sum")
    total: int | float = number(start, "sum")
    for item in values:
        total += number(item, "sum")
    return total


def default(context: Context, value: object, default_value: object = "", boolean: object = False) -> object:
    """``default_value`` where the value is missing; with ``boolean`` true also where it is false, empty or null."""
    del context
    if isinstance(value, Undefined) or (boolean and not value):
        return default_value
    return value


def unique(context: Context, value: object, case_sensitive: object = False, attribute: object = None) -> list[object]:
    """Each item once, in the order of their first occurrence; lists and mappings are compared as a whole."""
    values = items_of(value, "unique")
    meter_of(context).work(2 * len(values))
    keys = values
    if attribute is not None:
        mapped = context.environment.call_filter("map", values, [], {"attribute": attribute}, context=context)
        keys = items_of(mapped, "unique")
    seen: set[object] = set()
    result = []
    for item, key in zip(values, keys, strict=True):
        mark = _mark(key.lower() if isinstance(key, str) and not case_sensitive else key)
        if mark not in seen:
            seen.add(mark)
            result.append(item)
    return result


def _mark(value: object) -> object:
    """Something hashable that is equal for equal data."""
    if isinstance(value, Mapping):
        return frozenset((key, _mark(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(_mark(item) for item in value)
    return (type(value) is bool, value)
