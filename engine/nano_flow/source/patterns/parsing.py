"""Text of a regular expression → tree: Python's syntax without what can hang or look around."""

from __future__ import annotations

import re

from nano_flow.source.patterns.tree import Choice, Node, One, Place, Repeat, Sequence

MAX_DEPTH = 20
MAX_REPEATS = 1_000

_FLAGS = re.compile(r"\(\?([a-zA-Z]+)\)")
_COUNT = re.compile(r"\{(\d*)(?:(,)(\d*))?\}")
_CLASS = re.compile(r"\[\^?\]?(?:[^\]\\]|\\.)*\]", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|0[0-7]{0,2}|.)", re.DOTALL)
_GROUP = re.compile(r"\((?:\?(?::|P<\w+>))?")
_PLACES = {"\\A": "start", "\\Z": "end", "\\b": "edge", "\\B": "no_edge"}
_REFUSED = {
    "(?=": "it looks ahead",
    "(?!": "it looks ahead",
    "(?<": "it looks back",
    "(?P=": "it refers back to a group",
    "(?(": "it depends on a group",
    "(?>": "atomic groups are not part of the language",
    "(?#": "comments are not part of the language",
}


class PatternFault(Exception):
    """Why a pattern is refused."""


class Parser:
    """Reads one pattern. ``flags`` are those of ``(?ims)`` at its beginning."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.position = 0
        self.depth = 0
        self.flags = re.RegexFlag(0)

    def parse(self) -> Node:
        """The whole pattern. Raises PatternFault."""
        leading = _FLAGS.match(self.pattern)
        if leading:
            for letter in leading[1]:
                if letter not in "ims":
                    raise PatternFault(f'the flags are "i", "m" and "s", not "{letter}"')
                self.flags |= {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}[letter]
            self.position = leading.end()
        node = self.choice()
        if self.position < len(self.pattern):
            raise PatternFault(f'unexpected "{self.pattern[self.position]}" at {self.position}')
        return node

    def choice(self) -> Node:
        """``a|b``."""
        branches = [self.sequence()]
        while self.peek() == "|":
            self.position += 1
            branches.append(self.sequence())
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def sequence(self) -> Node:
        """Pieces, each with its count."""
        parts = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.counted(self.piece()))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def peek(self) -> str:
        """The next character, or nothing."""
        return self.pattern[self.position : self.position + 1]

    def piece(self) -> Node:
        """One character, place or group."""
        character = self.peek()
        if character == "(":
            return self.group()
        if character == "[":
            return self.take(_CLASS, 'a "[" without "]"')
        if character == "\\":
            return self.escape()
        if character in "*+?":
            raise PatternFault(f"nothing to repeat at {self.position}")
        self.position += 1
        if character in "^$":
            return Place(self.line_place(character))
        return One(character)

    def line_place(self, character: str) -> str:
        """What ``^`` and ``$`` mean under the flags."""
        multiline = bool(self.flags & re.MULTILINE)
        if character == "^":
            return "start_of_line" if multiline else "start"
        return "end_of_line" if multiline else "last"

    def take(self, expression: re.Pattern[str], fault: str) -> One:
        """One character that ``expression`` writes."""
        match = expression.match(self.pattern, self.position)
        if match is None:
            raise PatternFault(fault)
        self.position = match.end()
        return One(match[0])

    def escape(self) -> Node:
        """``\\d``, ``\\b``, ``\\.`` …"""
        one = self.take(_ESCAPE, 'a "\\" at the end')
        if one.source in _PLACES:
            return Place(_PLACES[one.source])
        if one.source[1] in "123456789":
            raise PatternFault("it refers back to a group")
        return one

    def group(self) -> Node:
        """``(…)``, ``(?:…)``, ``(?P<name>…)``."""
        for begin, reason in _REFUSED.items():
            if self.pattern.startswith(begin, self.position):
                raise PatternFault(reason)
        match = _GROUP.match(self.pattern, self.position)
        self.depth += 1
        if match is None or self.pattern.startswith("?", match.end()):
            raise PatternFault(f'an unknown kind of group at {self.position}; flags stand at the beginning: "(?i)"')
        if self.depth > MAX_DEPTH:
            raise PatternFault(f"at most {MAX_DEPTH} groups inside each other")
        self.position = match.end()
        node = self.choice()
        if self.peek() != ")":
            raise PatternFault('a "(" without ")"')
        self.position += 1
        self.depth -= 1
        return Sequence((node,)) if isinstance(node, Place) else node  # (^)* may be repeated, ^* may not

    def counted(self, node: Node) -> Node:
        """``*``, ``+``, ``?``, ``{2,5}`` behind a piece; greedy or not makes no difference to whether it is found."""
        least, most = self.count()
        if (least, most) == (1, 1):
            return node
        if isinstance(node, Place):
            raise PatternFault("a place cannot be repeated")
        if max(least, most or 0) > MAX_REPEATS or (most is not None and most < least):
            raise PatternFault(f"a count is from 0 to {MAX_REPEATS:,}, the smaller number first")
        if self.peek() == "?":
            self.position += 1
        if self.peek() == "+" or self.peek() == "*" or (self.peek() == "?" or self.count_ahead()):
            raise PatternFault("one count behind the other")
        return Repeat(node, least, most)

    def count_ahead(self) -> bool:
        """True where a further count follows."""
        match = _COUNT.match(self.pattern, self.position)
        return match is not None and match[0] not in ("{}", "{,}")

    def count(self) -> tuple[int, int | None]:
        """The count at this position, (1, 1) where there is none."""
        simple = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(self.peek())
        if simple is not None:
            self.position += 1
            return simple
        match = _COUNT.match(self.pattern, self.position)
        if match is None or not (match[1] or match[3]) or len(match[0]) > 12:
            return 1, 1
        self.position = match.end()
        least = int(match[1] or 0)
        return least, (least if match[2] is None else int(match[3]) if match[3] else None)
