"""What a template may call: listed filters and tests with constant names, and ``range``."""

from __future__ import annotations

from difflib import get_close_matches

from jinja2 import nodes

from nano_flow.source.guard.faults import Faults
from nano_flow.source.guard.sizes import check_range, check_widths
from nano_flow.source.guard.vocabulary import (
    FILTERS,
    INSTEAD_OF_FILTER,
    INSTEAD_OF_FUNCTION,
    INSTEAD_OF_METHOD,
    NAMES_A_FILTER,
    NAMES_A_TEST,
    NAMES_AN_ATTRIBUTE,
    TESTS,
)
from nano_flow.source.regex_guard import check_pattern


def check_call(faults: Faults, node: nodes.Call, *, is_range: bool) -> bool:
    """True for a proper call of ``range``; every other call is a fault."""
    if is_range:
        return check_range(faults, node)
    called = node.node
    if isinstance(called, nodes.Getattr):
        hint = INSTEAD_OF_METHOD.get(called.attr, "values have members, not methods; use a filter")
        message = f'"{called.attr}()" cannot be called: methods are not part of the language'
        faults.add_named("NF404", message, called, called.attr, _use(hint))
    elif isinstance(called, nodes.Name):
        hint = INSTEAD_OF_FUNCTION.get(called.name, "the only function is `range`; everything else is a filter")
        faults.add("NF404", f'"{called.name}()" cannot be called', called, _use(hint), width=len(called.name))
    else:
        faults.add("NF404", "a value cannot be called", node, "the only function is `range`")
    return False


def check_filter(faults: Faults, node: nodes.Filter) -> None:
    """Note what is wrong with the name and the constant arguments of a filter."""
    if not _known(faults, node, node.name, "filter") or not _plain_arguments(faults, node):
        return
    _named_arguments(faults, node)
    for keyword in node.kwargs:
        if keyword.key == "attribute":
            _attribute(faults, node, keyword.value)
    check_widths(faults, node)


def _named_arguments(faults: Faults, node: nodes.Filter) -> None:
    first = node.args[0] if node.args else None
    if node.name in NAMES_A_FILTER and first is not None:
        _named(faults, node, first, "filter")
    elif node.name in NAMES_A_TEST and first is not None:
        _named(faults, node, first, "test")
    elif node.name in NAMES_AN_ATTRIBUTE:
        _attribute(faults, node, first)
        if len(node.args) > 1 and node.name != "groupby":
            _named(faults, node, node.args[1], "test")
    elif node.name == "match":
        _pattern(faults, node)


def check_test(faults: Faults, node: nodes.Test) -> None:
    """Note what is wrong with the name and the constant arguments of a test."""
    if _known(faults, node, node.name, "test") and _plain_arguments(faults, node) and node.name == "match":
        _pattern(faults, node)


def _known(faults: Faults, node: nodes.Node, name: str, kind: str) -> bool:
    known = FILTERS if kind == "filter" else TESTS
    if name in known:
        return True
    near = get_close_matches(name.lower(), sorted(known), 1)
    hint = INSTEAD_OF_FILTER.get(name, "") if kind == "filter" else ""
    faults.add_named(
        "NF402", f'unknown {kind} "{name}"', node, name, hint or (f'did you mean "{near[0]}"?' if near else "")
    )
    return False


def _plain_arguments(faults: Faults, node: nodes.Filter | nodes.Test) -> bool:
    if node.dyn_args is None and node.dyn_kwargs is None:
        return True
    faults.add("NF403", "arguments are written out; `*` and `**` are not part of the language", node)
    return False


def _named(faults: Faults, node: nodes.Filter, argument: nodes.Expr, kind: str) -> None:
    """An argument that names a filter or test."""
    if isinstance(argument, nodes.Const) and isinstance(argument.value, str):
        _known(faults, argument, argument.value, kind)
    else:
        faults.add("NF403", f'"{node.name}" needs the name of a {kind} as a constant text', argument)


def _attribute(faults: Faults, node: nodes.Filter, argument: nodes.Expr | None) -> None:
    if not (isinstance(argument, nodes.Const) and isinstance(argument.value, (str, int))):
        faults.add("NF403", f'"{node.name}" needs the name of a member as a constant text', argument or node)
    elif any(part.strip().startswith("_") for part in str(argument.value).replace(",", ".").split(".")):
        faults.add("NF406", f'"{argument.value}": a member does not start with "_"', argument)


def _pattern(faults: Faults, node: nodes.Filter | nodes.Test) -> None:
    if len(node.args) != 1 or node.kwargs:
        faults.add("NF403", '"match" takes one argument, a pattern', node)
        return
    pattern = node.args[0]
    if isinstance(pattern, nodes.Const):
        reason = check_pattern(pattern.value) if isinstance(pattern.value, str) else "it is not a text"
        if reason:
            faults.add("NF409", f"not a usable pattern: {reason}", pattern)


def _use(hint: str) -> str:
    return f"use {hint}" if hint.startswith("`") else hint
