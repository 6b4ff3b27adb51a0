"""The words of the expression language: which filters, tests, members and tags exist, and what replaces the others."""

from __future__ import annotations

from collections.abc import Mapping

FILTERS = frozenset(
    [
        "abs",
        "batch",
        "capitalize",
        "center",
        "count",
        "d",
        "default",
        "dictsort",
        "e",
        "escape",
        "filesizeformat",
        "first",
        "flatten",
        "float",
        "forceescape",
        "format",
        "fromcsv",
        "fromjson",
        "fromjsonl",
        "groupby",
        "indent",
        "int",
        "items",
        "join",
        "last",
        "length",
        "lines",
        "list",
        "lower",
        "map",
        "match",
        "max",
        "min",
        "reject",
        "rejectattr",
        "replace",
        "replace_re",
        "reverse",
        "round",
        "safe",
        "select",
        "selectattr",
        "slice",
        "sort",
        "split",
        "string",
        "striptags",
        "sum",
        "title",
        "tojson",
        "trim",
        "truncate",
        "truncate_tokens",
        "unique",
        "upper",
        "urlencode",
        "wordcount",
        "wordwrap",
    ]
)

TESTS = frozenset(
    [
        "!=",
        "<",
        "<=",
        "==",
        ">",
        ">=",
        "boolean",
        "defined",
        "divisibleby",
        "eq",
        "equalto",
        "even",
        "false",
        "float",
        "ge",
        "greaterthan",
        "gt",
        "in",
        "integer",
        "iterable",
        "le",
        "lessthan",
        "lower",
        "lt",
        "mapping",
        "match",
        "ne",
        "none",
        "number",
        "odd",
        "sequence",
        "string",
        "true",
        "undefined",
        "upper",
    ]
)

NAMES_A_FILTER = frozenset({"map"})
"""Filters whose first argument is the name of a filter."""

NAMES_A_TEST = frozenset({"select", "reject"})
"""Filters whose first argument is the name of a test."""

NAMES_AN_ATTRIBUTE = frozenset({"groupby", "selectattr", "rejectattr"})
"""Filters whose first argument is the name of a member; ``selectattr`` and ``rejectattr`` take a test second."""

LOOP_MEMBERS = frozenset(
    ["index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem", "depth", "depth0"]
)

TAGS = ("for", "if", "set", "with", "filter", "raw")

INSTEAD_OF_METHOD: Mapping[str, str] = {
    "append": "`list + [value]`",
    "capitalize": "`| capitalize`",
    "center": "`| center(width)`",
    "count": "`| length`",
    "endswith": "`| match('end$')`",
    "format": "`| format(value)`",
    "get": "`.member | default(value)`",
    "items": "`| items`",
    "join": "`list | join(separator)`",
    "keys": "`| list`",
    "lower": "`| lower`",
    "lstrip": "`| trim`",
    "replace": "`| replace(old, new)`",
    "rstrip": "`| trim`",
    "startswith": "`| match('^start')`",
    "strip": "`| trim`",
    "split": "`| split(',')`",
    "splitlines": "`| lines`",
    "title": "`| title`",
    "upper": "`| upper`",
    "values": "`| items | map('last')`",
}
"""What to write where a template calls a method."""

INSTEAD_OF_FUNCTION: Mapping[str, str] = {
    "len": "`| length`",
    "str": "`| string`",
    "int": "`| int`",
    "float": "`| float`",
    "list": "`| list`",
    "sorted": "`| sort`",
    "sum": "`| sum`",
    "min": "`| min`",
    "max": "`| max`",
    "abs": "`| abs`",
    "round": "`| round`",
    "reversed": "`| reverse`",
    "enumerate": "`loop.index0` inside a `for`",
    "json": "`| tojson`",
    "toJSON": "`| tojson`",
    "fromJSON": "`| fromjson`",
    "contains": "`'text' in value`",
    "startsWith": "`| match('^start')`",
    "endsWith": "`| match('end$')`",
}
"""What to write where a template calls a function of another language."""

INSTEAD_OF_FILTER: Mapping[str, str] = {
    "attr": "write the member: `value.name`",
    "length_is": "write `(value | length) == n`",
    "pprint": "write `| tojson(indent=2)`",
    "random": "a template gives the same text for the same values; draw in a command or tool",
    "xmlattr": "build the text with `~` and `| escape`",
    "urlize": "build the link with `~` and `| urlencode`",
    "splitlines": "write `| lines`",
    "from_csv": "write `| fromcsv`",
    "regex_replace": "write `| replace_re(pattern, text)`",
    "to_json": "write `| tojson`",
    "from_json": "write `| fromjson`",
    "json": "write `| tojson`",
    "len": "write `| length`",
    "size": "write `| length`",
    "regex_search": "write `| match(pattern)`",
    "regex_match": "write `| match(pattern)`",
    "strip": "write `| trim`",
    "str": "write `| string`",
}
"""What to write where a template uses a filter that does not exist here."""

RESERVED = frozenset({"self", "super", "caller", "varargs", "kwargs", "true", "false", "none", "True", "False", "None"})
"""Names with a meaning of their own in Jinja; they are never references."""
KEYWORDS = frozenset(["and", "else", "if", "in", "is", "not", "or"])

INSTEAD_OF_SIGN: Mapping[str, str] = {
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`",
    "=": "write `==` to compare",
    "?": "write `a if condition else b`",
    "$": "write `{{ … }}` without `$`",
    "`": "a text stands between quotes",
    "matches": "write `| match(pattern)`",
    "contains": "write `'part' in whole`",
    "startswith": "write `| match('^start')`",
    "endswith": "write `| match('end$')`",
    "AND": "write `and`",
    "OR": "write `or`",
    "NOT": "write `not`",
}
"""What to write where an expression holds a sign or word of another language."""
