"""Sizes that can be judged before anything runs: ranges, repetitions, widths."""

from __future__ import annotations

import re
from collections.abc import Mapping

from jinja2 import nodes

from nano_flow.source.guard.faults import Faults

MAX_RANGE = 10_000
MAX_ROUNDS = 1_000_000
MAX_REPEATED = 100_000
MAX_WIDTH = 1_000

WIDTHS: Mapping[str, tuple[str, int]] = {
    "center": ("width", MAX_WIDTH),
    "indent": ("width", MAX_WIDTH),
    "wordwrap": ("width", MAX_WIDTH * 10),
    "batch": ("linecount", MAX_RANGE),
    "slice": ("slices", MAX_RANGE),
    "round": ("precision", 30),
    "tojson": ("indent", 16),
    "truncate_tokens": ("n", 10_000_000),
}
"""Filter → the name of its first argument, and the most that it may be."""

FORMAT_FIELD = re.compile(r"%(?:\([^)]*\))?[#0\- +]*(\d+|\*)?(?:\.(\d+|\*))?[hlL]?(.)?", re.DOTALL)


def constant(node: nodes.Node | None) -> object:
    """The value of a constant, a minus before a number included; None for everything else."""
    if isinstance(node, nodes.Const):
        value: object = node.value
        return value
    if isinstance(node, nodes.Neg) and isinstance(node.node, nodes.Const) and isinstance(node.node.value, (int, float)):
        return -node.node.value
    return None


def range_length(node: nodes.Node) -> int | None:
    """How many numbers ``range(…)`` with constant arguments has; None where it cannot be known."""
    if not (isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "range"):
        return None
    numbers = [value for value in map(constant, node.args) if isinstance(value, int)]
    if len(numbers) != len(node.args) or not 1 <= len(numbers) <= 3 or (len(numbers) == 3 and numbers[2] == 0):
        return None
    # not len(): it overflows beyond the platform's word
    numbered = range(*numbers)
    first, last, step = numbered.start, numbered.stop, numbered.step
    return max(0, -((first - last) // step))


def check_range(faults: Faults, node: nodes.Call) -> bool:
    """True where a call of ``range`` is well formed and not too long, as far as that can be known."""
    if node.kwargs or node.dyn_args or node.dyn_kwargs or not 1 <= len(node.args) <= 3:
        faults.add(
            "NF404", '"range" takes one to three numbers', node, "write `range(10)` or `range(1, 10, 2)`", width=5
        )
        return False
    length = range_length(node)
    if length is not None and length > MAX_RANGE:
        faults.add("NF405", f"a range has at most {MAX_RANGE:,} numbers, this one has {length:,}", node, width=5)
        return False
    return True


def check_product(faults: Faults, node: nodes.For, rounds: int) -> int:
    """How often the body of ``node`` runs at least, all loops around it included; too often is a fault."""
    length = range_length(node.iter)
    product = rounds if length is None or node.test is not None else rounds * length
    if product > MAX_ROUNDS >= rounds:
        faults.add(
            "NF405", f"these loops inside each other run {product:,} times; at most {MAX_ROUNDS:,}", node, width=3
        )
    return product


def check_repetition(faults: Faults, node: nodes.Mul) -> bool:
    """True where a product is no huge repetition of a constant text or list."""
    length = _repeated(node)
    if length is not None and length > MAX_REPEATED:
        faults.add("NF405", f"this repeats up to {length:,} characters or items; at most {MAX_REPEATED:,}", node)
        return False
    return True


def _repeated(node: nodes.Node) -> int | None:
    """The length of a constant text or list, repeated or not."""
    if isinstance(node, nodes.Mul):
        for side, times in ((node.left, node.right), (node.right, node.left)):
            length, factor = _repeated(side), constant(times)
            if length is not None and isinstance(factor, int):
                return length * max(factor, 0)
        return None
    if isinstance(node, (nodes.List, nodes.Tuple)):
        return len(node.items)
    value = constant(node)
    return len(value) if isinstance(value, str) else None


def check_widths(faults: Faults, node: nodes.Filter) -> None:
    """Note widths and counts that are too large, where they are constants."""
    if node.name == "format" and isinstance(node.node, nodes.Const) and isinstance(node.node.value, str):
        reason = format_fault(node.node.value)
        if reason:
            faults.add("NF405", reason, node.node)
        return
    if node.name not in WIDTHS:
        return
    name, most = WIDTHS[node.name]
    given = node.args[0] if node.args else next((k.value for k in node.kwargs if k.key == name), None)
    value = constant(given)
    if isinstance(value, (int, float)) and abs(value) > most:
        faults.add("NF405", f'"{name}" of "{node.name}" is at most {most:,}', given or node)


def format_fault(text: str) -> str:
    """What is wrong with a ``%`` format, or an empty text."""
    for match in FORMAT_FIELD.finditer(text):
        width, precision, kind = match.groups()
        if "*" in (width, precision):
            return "a width of a format is written out, not `*`"
        if any(len(number) > 4 or int(number) > MAX_WIDTH for number in (width or "0", precision or "0")):
            return f"a width of a format is at most {MAX_WIDTH:,}"
        if kind is None or kind not in "%diouxXeEfFgGsc":
            return "a format knows %d %i %o %x %X %e %f %g %s %c and %%"
    return ""
