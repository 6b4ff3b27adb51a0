"""Tags as routing knows them: declared once, told apart by their letters and never by their case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

_LITERAL = re.compile(r"'([^'\\]*)'|\"([^\"\\]*)\"")
_ASKED_OF_TAGS = re.compile(r"\s*(?:not\s+)?in\s+tags\b")


def spellings(declared: Iterable[str]) -> Mapping[str, str]:
    """Each declared tag by its lower-case form."""
    return {tag.lower(): tag for tag in declared}


def as_declared(tags: Iterable[str], known: Mapping[str, str]) -> tuple[str, ...]:
    """``tags`` as they are declared, each once; one that nobody declared stays as it is."""
    return tuple(dict.fromkeys(known.get(tag.lower(), tag) for tag in tags))


def line_to_add(declared: Iterable[str], tag: str) -> str:
    """The line of routing.yaml that would declare ``tag``."""
    return f"tags: [{', '.join((*declared, tag))}]"


def spelled(condition: str, known: Mapping[str, str]) -> str:
    """A condition whose literals that are tags are written as declared: offsets stay, for only the case changes."""
    if "tags" not in condition:
        return condition
    return _LITERAL.sub(lambda found: _spelled(found, known), condition)


def undeclared(condition: str, known: Mapping[str, str]) -> Iterator[str]:
    """The literals that a condition looks for among tags and that nobody declared."""
    for found in _LITERAL.finditer(condition):
        tag = found[1] or found[2] or ""
        if tag.lower() not in known and _ASKED_OF_TAGS.match(condition, found.end()):
            yield tag


def _spelled(found: re.Match[str], known: Mapping[str, str]) -> str:
    text = found[0]
    return f"{text[0]}{known.get(text[1:-1].lower(), text[1:-1])}{text[0]}"
