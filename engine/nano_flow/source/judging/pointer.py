"""Local references of a JSON Schema: ``#/$defs/name`` and ``#anchor``."""

from __future__ import annotations

import re

from nano_flow.core.messages import Json

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")


class NoTarget:
    """What ``resolve`` returns where nothing is at the reference; no JSON value is equal to it."""


def find(root: Json, reference: str) -> Json | NoTarget:
    """The schema that ``reference`` names inside ``root``."""
    if not reference.startswith("#"):
        return NoTarget()
    pointer = _ESCAPE.sub(lambda code: chr(int(code[1], 16)), reference[1:])
    if pointer and not pointer.startswith("/"):
        return _anchor(root, pointer)
    place = root
    for token in pointer.split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        if isinstance(place, dict) and token in place:
            place = place[token]
        elif isinstance(place, list) and token.isdecimal() and len(token) < 7 and int(token) < len(place):
            place = place[int(token)]
        else:
            return NoTarget()
    return place


def resolve(root: Json, reference: str) -> Json:
    """The schema at ``reference``; one that admits everything where there is none."""
    target = find(root, reference)
    return True if isinstance(target, NoTarget) else target


def _anchor(root: Json, name: str) -> Json | NoTarget:
    waiting: list[Json] = [root]
    while waiting:
        place = waiting.pop()
        if isinstance(place, dict):
            if place.get("$anchor") == name:
                return place
            waiting.extend(place.values())
        elif isinstance(place, list):
            waiting.extend(place)
    return NoTarget()
