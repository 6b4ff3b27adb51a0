"""Filters that make text of a value."""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus

from jinja2.runtime import Context

from nano_flow.runtime.rendering.failure import RenderFailure
from nano_flow.runtime.rendering.filters.arguments import items_of, number, whole
from nano_flow.runtime.rendering.plain import text_of
from nano_flow.runtime.rendering.sandbox import meter_of
from nano_flow.source.guard.sizes import MAX_WIDTH, format_fault

_WORDS = re.compile(r"\w+")
_WORD_START = re.compile(r"([-\s({\[<]+)")
_SPACES = re.compile(r"\s+")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;", '"': "&#34;"})


def upper(context: Context, value: object) -> str:
    """All letters as capitals."""
    del context
    return text_of(value).upper()


def lower(context: Context, value: object) -> str:
    """All letters small."""
    del context
    return text_of(value).lower()


def capitalize(context: Context, value: object) -> str:
    """The first letter a capital, the others small."""
    del context
    return text_of(value).capitalize()


def title(context: Context, value: object) -> str:
    """Each word with a capital."""
    del context
    return "".join(part[:1].upper() + part[1:].lower() for part in _WORD_START.split(text_of(value)) if part)


def string(context: Context, value: object) -> str:
    """The value as it would stand in a text."""
    del context
    return text_of(value)


def escape(context: Context, value: object) -> str:
    """The value with ``& < > ' "`` as HTML entities."""
    del context
    return text_of(value).translate(_ESCAPES)


def trim(context: Context, value: object, chars: object = None) -> str:
    """Without white space, or the characters ``chars``, at both ends."""
    del context
    return text_of(value).strip(None if chars is None else text_of(chars))


def center(context: Context, value: object, width: object = 80) -> str:
    """In the middle of ``width`` characters."""
    del context
    return text_of(value).center(whole(width, "width", MAX_WIDTH))


def indent(context: Context, value: object, width: object = 4, first: object = False, blank: object = False) -> str:
    """Each line but the first, and but empty ones, moved to the right by ``width`` blanks or by a text."""
    prefix = width if isinstance(width, str) else " " * whole(width, "width", MAX_WIDTH)
    lines = text_of(value).split("\n")
    meter_of(context).make(len(prefix) * len(lines))
    moved = [prefix + line if line or blank else line for line in lines[1:]]
    head = prefix + lines[0] if first else lines[0]
    return "\n".join([head, *moved])


def replace(context: Context, value: object, old: object, new: object, count: object = None) -> str:
    """Every ``old`` replaced by ``new``, or the first ``count`` of them."""
    source, before, after = text_of(value), text_of(old), text_of(new)
    times = -1 if count is None else whole(count, "count", 10_000_000)
    found = source.count(before) if times < 0 else min(times, source.count(before))
    meter_of(context).make(max(0, found * (len(after) - len(before))))
    return source.replace(before, after, times)


def truncate(
    context: Context,
    value: object,
    length: object = 255,
    killwords: object = False,
    end: object = "...",
    leeway: object = 5,
) -> str:
    """The first ``length`` characters at the most, cut between words, ``end`` included."""
    del context
    source, tail = text_of(value), text_of(end)
    most = whole(length, "length", 100_000_000, len(tail))
    if len(source) <= most + whole(leeway, "leeway", 1_000_000):
        return source
    head = source[: most - len(tail)]
    return (head if killwords else head.rsplit(" ", 1)[0]) + tail


def wordwrap(
    context: Context, value: object, width: object = 79, break_long_words: object = True, wrapstring: object = "\n"
) -> str:
    """Lines of at most ``width`` characters, broken between words."""
    most = whole(width, "width", MAX_WIDTH * 10, 1)
    source, joint = text_of(value), text_of(wrapstring)
    rows = 2 * (len(source) // most + source.count("\n") + 1)
    meter_of(context).make(len(source) + rows * len(joint))
    meter_of(context).work(rows // 4)
    return joint.join(row for line in source.split("\n") for row in _wrapped(line, most, bool(break_long_words)))


def _wrapped(line: str, width: int, break_long: bool) -> list[str]:
    rows: list[str] = []
    row = ""
    for word in line.split():
        if row and len(row) + 1 + len(word) <= width:
            row += " " + word
            continue
        if row:
            rows.append(row)
        cuts = range(0, len(word), width) if break_long else (0,)
        parts = [word[cut : cut + width] if break_long else word for cut in cuts]
        rows.extend(parts[:-1])
        row = parts[-1]
    return [*rows, row] if row or not rows else rows


def wordcount(context: Context, value: object) -> int:
    """How many words there are."""
    del context
    return len(_WORDS.findall(text_of(value)))


def striptags(context: Context, value: object) -> str:
    """Without HTML tags and comments, white space as single blanks."""
    del context
    source = text_of(value)
    parts = []
    position = 0
    while (start := source.find("<", position)) >= 0:
        comment = source.startswith("<!--", start)
        end = source.find("-->" if comment else ">", start)
        if end < 0:
            break
        parts.append(source[position:start])
        position = end + (3 if comment else 1)
    parts.append(source[position:])
    return _SPACES.sub(" ", "".join(parts)).strip()


def urlencode(context: Context, value: object) -> str:
    """Quoted for a URL: a text for its path, a mapping or list of pairs as a query."""
    del context
    if isinstance(value, dict):
        value = list(value.items())
    if not isinstance(value, (list, tuple)):
        return quote(text_of(value).encode("utf-8", "replace"), safe="/")
    pairs = [items_of(pair, "urlencode") for pair in value]
    if any(len(pair) != 2 for pair in pairs):
        raise RenderFailure("urlencode needs a text, a mapping or a list of pairs")
    return "&".join("=".join(quote_plus(text_of(part).encode("utf-8", "replace")) for part in pair) for pair in pairs)


def filesizeformat(context: Context, value: object, binary: object = False) -> str:
    """A number of bytes for people: ``13.0 kB``."""
    del context
    size = float(number(value, "filesizeformat"))
    base = 1024 if binary else 1000
    units = ("KiB", "MiB", "GiB", "TiB", "PiB") if binary else ("kB", "MB", "GB", "TB", "PB")
    if abs(size) < base:
        return f"{int(size)} Byte{'s' if abs(size) != 1 else ''}"
    power = next((n for n in range(1, len(units)) if abs(size) < base ** (n + 1)), len(units))
    return f"{size / base**power:.1f} {units[power - 1]}"


def format_(context: Context, value: object, *values: object, **named: object) -> str:
    """A ``%`` format with the values put in: ``"%05.2f"``; lists and mappings stand in it as JSON."""
    pattern = text_of(value)
    fault = format_fault(pattern)
    if fault:
        raise RenderFailure(fault)
    if values and named:
        raise RenderFailure("a format takes values or named values, not both")
    meter_of(context).make(len(pattern) + MAX_WIDTH * pattern.count("%"))
    given = {key: _formattable(item) for key, item in named.items()} if named else tuple(map(_formattable, values))
    return pattern % given


def _formattable(value: object) -> object:
    return value if isinstance(value, (int, float, str)) and not isinstance(value, bool) else text_of(value)


def join(context: Context, value: object, d: object = "", attribute: object = None) -> str:
    """The items as one text, ``d`` between them; with ``attribute``, that member of each."""
    items: list[object] = items_of(value, "join")
    if attribute is not None:
        mapped = context.environment.call_filter("map", items, [], {"attribute": attribute}, context=context)
        items = items_of(mapped, "join")
    separator = text_of(d)
    meter_of(context).handle(items)
    texts = [text_of(item) for item in items]
    meter_of(context).make(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)
