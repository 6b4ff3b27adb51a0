"""Text of a template → Jinja's syntax tree, in which every line number is a character offset; bounded on the tokens.

Jinja keeps only line numbers. Its tokens are therefore handed to its parser with ``offset + 1`` in the place of the
line number, so that every node, and every line of compiled code, can be traced to the exact character.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import TokenStream
from jinja2.parser import Parser

from nano_flow.source.guard.vocabulary import INSTEAD_OF_SIGN, TAGS

MAX_TOKENS = 10_000
MAX_NESTING = 24
MAX_BLOCKS = 12
MAX_DIGITS = 40

_UNKNOWN_TAG = re.compile(r"Encountered unknown tag '(\w+)'")
RawToken = tuple[int, str, str]


class SyntaxFault(Exception):
    """The text cannot be parsed, or is over a bound; ``start`` is a character offset."""

    def __init__(self, code: str, message: str, start: int, hint: str = "") -> None:
        self.code, self.message, self.start, self.hint = code, message, start, hint
        super().__init__(message)


class OffsetEnvironment(Environment):
    """An environment whose tokens carry offsets; only for parsing."""

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        tokens = _bounded(_offsets(self, source, state))
        return TokenStream(self.lexer.wrap(tokens, name, filename), name, filename)


def parse_template(source: str) -> nodes.Template:
    """The tree of a template. Raises SyntaxFault."""
    parser = _parser(source, None)
    try:
        return parser.parse()
    except TemplateSyntaxError as error:
        raise _fault(error, source, "a template") from None
    except RecursionError:
        raise too_deep(0) from None


def parse_expression(source: str) -> nodes.Expr:
    """The tree of a bare expression. Raises SyntaxFault."""
    parser = _parser(source, "variable")
    try:
        tree = parser.parse_expression()
        if not parser.stream.eos:
            token = parser.stream.current
            word, start = _shown(token.value), token.lineno - 1
            hint = INSTEAD_OF_SIGN.get(word, INSTEAD_OF_SIGN.get(source[start : start + 1], ""))
            raise SyntaxFault("NF401", f'unexpected "{word}" after the expression', start, hint)
        tree.set_environment(parser.environment)
        return tree
    except TemplateSyntaxError as error:
        raise _fault(error, source, "an expression") from None
    except RecursionError:
        raise too_deep(0) from None


def too_deep(start: int) -> SyntaxFault:
    """The fault of an expression that is nested too deeply."""
    return SyntaxFault(
        "NF405", f"nested too deeply: at most {MAX_NESTING} brackets inside each other", start, "split it with `set`"
    )


def _parser(source: str, state: str | None) -> Parser:
    try:
        return Parser(_environment(), source, state=state)
    except TemplateSyntaxError as error:
        raise _fault(error, source, "a template" if state is None else "an expression") from None


def _environment() -> Environment:
    return OffsetEnvironment(keep_trailing_newline=True, optimized=False, cache_size=0)


def _offsets(environment: Environment, source: str, state: str | None) -> Iterator[RawToken]:
    """Jinja's raw tokens with offset + 1 for the line. Only white space is ever missing between two of them.

    ``null`` is YAML's and JSON's word for what Jinja calls ``none``.
    """
    position = 0
    before = ""
    try:
        for _, kind, text in environment.lexer.tokeniter(source, None, None, state):
            position = max(source.find(text, position), position)
            yield position + 1, kind, "none" if text == "null" and kind == "name" and before != "." else text
            position += len(text)
            before = text if text.strip() else before
    except TemplateSyntaxError as error:
        # The lexer's own faults know their line only; the first character that it did not take is the place.
        rest = len(source) - len(source[position:].lstrip())
        raise TemplateSyntaxError(str(error.message), min(rest, max(len(source) - 1, 0)) + 1) from None


class Bounds:
    """Counts while tokens go by; refuses what is so long or so deep that parsing or compiling it could hurt."""

    def __init__(self) -> None:
        self.count = self.brackets = self.blocks = self.prefixes = self.choices = 0
        self.previous = ""

    def take(self, offset: int, kind: str, text: str) -> None:
        """Count one token. Raises SyntaxFault."""
        self.count += 1
        if kind == "operator":
            self.brackets += (text in "([{") - (text in ")]}")
        elif kind in ("variable_begin", "block_begin"):
            self.brackets = self.choices = 0
        elif kind == "name":
            self.blocks += _opens(text) if self.previous == "block_begin" else 0
            self.choices += text == "else"
        elif kind in ("integer", "float", "string"):
            _check_literal(kind, text, offset)
        self.prefixes = self.prefixes + 1 if text in ("not", "-", "+") else 0
        self.previous = kind
        if self.count > MAX_TOKENS:
            raise SyntaxFault("NF405", f"too long: at most {MAX_TOKENS:,} words and signs inside tags", offset)
        if max(self.brackets, self.prefixes, self.choices) > MAX_NESTING or self.blocks > MAX_BLOCKS:
            raise too_deep(offset)


def _bounded(tokens: Iterable[RawToken]) -> Iterator[RawToken]:
    bounds = Bounds()
    for line, kind, text in tokens:
        if kind not in ("data", "whitespace"):
            bounds.take(line - 1, kind, text)
        yield line, kind, text


BLOCKS = ("for", "if", "with", "filter")


def _opens(word: str) -> int:
    if word.startswith("end"):
        return -int(word[3:] in BLOCKS)
    return int(word in BLOCKS)


def _check_literal(kind: str, text: str, start: int) -> None:
    if kind == "string":
        if "\\" in text and re.search(r"\\(u[dD][89a-fA-F]|U0000[dD][89a-fA-F])", text):
            raise SyntaxFault("NF401", "half of a surrogate pair is not a character", start)
    elif len(text) > MAX_DIGITS or (kind == "float" and float(text.replace("_", "")) in (float("inf"), float("-inf"))):
        raise SyntaxFault("NF405", f"a number has at most {MAX_DIGITS} digits and is finite", start)


def _fault(error: TemplateSyntaxError, source: str, expected: str) -> SyntaxFault:
    start = min(max(error.lineno - 1, 0), max(len(source.rstrip()) - 1, 0))
    message = str(error.message)
    unknown = _UNKNOWN_TAG.search(message)
    if unknown and unknown[1].startswith("end"):
        return SyntaxFault("NF401", f'not a template: "{unknown[1]}" closes nothing here', start)
    if unknown:
        known = ", ".join(f'"{tag}"' for tag in TAGS)
        return SyntaxFault("NF403", f'there is no tag "{unknown[1]}" here', start, f"the tags are {known}")
    return SyntaxFault(
        "NF401", f"not {expected}: {_said(message, source, start)}", start, _hint(message, source, start)
    )


_SIGNS = {
    "end of print statement": "}}",
    "end of statement block": "%}",
    "begin of print statement": "{{",
    "begin of statement block": "{%",
}
_STRAY = re.compile(r"unexpected char '(.)' at \d+|unexpected char \"(.)\" at \d+", re.DOTALL)


def _said(message: str, source: str, start: int) -> str:
    """Jinja's message in the words of the language."""
    stray = _STRAY.search(message)
    if stray:
        character = stray[1] or stray[2]
        return "a text that is not closed" if character in "'\"" else f'unexpected "{source[start : start + 1]}"'
    message = message[:1].lower() + message[1:]
    if message.startswith(("unexpected end of template", "unexpected 'end of template'")):
        return "it ends too early" if source.strip() else "it is empty"
    for name, sign in _SIGNS.items():
        message = message.replace(name, sign)
    return message.replace("'", '"').rstrip(".")


def _hint(message: str, source: str, start: int) -> str:
    inner = re.search(r"needs to be closed is '(\w+)'", message)
    if inner:
        return f"close it with `{{% end{inner[1]} %}}`"
    other = INSTEAD_OF_SIGN.get(source[start : start + 1])
    if other and "expected" in message:
        return other
    if "end of print statement" in message or "nexpected end of template" in message:
        return "close the tag with `}}` or `%}`"
    return ""


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."
