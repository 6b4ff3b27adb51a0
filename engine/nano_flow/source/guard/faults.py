"""Faults of one template, with their place as character offsets."""

from __future__ import annotations

from dataclasses import dataclass, field

from jinja2 import nodes

MAX_FAULTS = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a template; ``start`` and ``end`` are character offsets."""

    code: str
    message: str
    start: int
    end: int
    hint: str = ""


@dataclass(slots=True)
class Faults:
    """What was found so far; ``full`` ends the search."""

    source: str
    found: list[Fault] = field(default_factory=list)
    full: bool = False

    def offset(self, node: nodes.Node) -> int:
        """Where ``node`` begins: its line number is its offset + 1."""
        if node.lineno is None:  # Jinja leaves some statements without a line; their parts have one
            return max(next((inner.lineno for inner in node.find_all(nodes.Node) if inner.lineno), 1) - 1, 0)
        return max(node.lineno - 1, 0)

    def add(self, code: str, message: str, node: nodes.Node, hint: str = "", *, width: int = 1) -> None:
        """Note a fault at ``node``."""
        start = self.offset(node)
        self.found.append(Fault(code, message, start, start + width, hint))
        self.full = self.full or len(self.found) >= MAX_FAULTS

    def add_named(self, code: str, message: str, node: nodes.Node, name: str, hint: str = "") -> None:
        """Note a fault at the word ``name``, which follows the beginning of ``node``."""
        begin = self.offset(node)
        found = self.source.find(name, begin)
        start = begin if found < 0 else found
        self.found.append(Fault(code, message, start, start + len(name), hint))
        self.full = self.full or len(self.found) >= MAX_FAULTS
