"""Secret values taken out of everything that is kept or shown, however they are encoded."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import TypeVar
from urllib.parse import quote, quote_plus

from nano_flow.core.events import CallFailed, CallFinished, Event, TextStreamed
from nano_flow.core.messages import Json

MASK = "***"
SHORTEST = 8
"""Shorter values are not looked for: they would be found in innocent text."""

_T = TypeVar("_T")
_NEVER_SECRET = frozenset({"at", "address", "step", "kind", "fingerprint", "run_id", "plan_digest", "prompt_digest"})
"""Fields that are made by the engine; results are looked up by them."""
_PLAIN = frozenset({int, float, bool, type(None)})
_SAFE_IN_URLS = ("", "/", "!~*'()")
_ESCAPE = re.compile(r"%[0-9A-F]{2}|\\u[0-9a-f]{4}")


class Redactor:
    """Replaces secret values by ``***``: verbatim, in JSON (also inside JSON text), in URLs, in base64."""

    def __init__(self, values: Iterable[str]) -> None:
        secrets = {part for value in values for part in (value, value.strip()) if len(part) >= SHORTEST}
        forms = {form for secret in secrets for form in _forms(secret)}
        # The longest first, so that a secret inside another one does not leave the other's ends.
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self._held: dict[tuple[str, int], str] = {}

    def __bool__(self) -> bool:
        return bool(self._forms)

    def text(self, text: str) -> str:
        """``text`` without secrets; the same object where there are none."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def json(self, value: Json) -> Json:
        """Plain data without secrets, in keys too; the same object where there are none."""
        return self._clean(value) if self._forms else value

    def event(self, event: Event) -> Event:
        """``event`` without secrets; the same object where there are none. Pieces of one text are seen together."""
        if not self._forms:
            return event
        if isinstance(event, TextStreamed):
            return replace(event, text=self._piece((event.address, event.turn), event.text))
        if isinstance(event, CallFinished | CallFailed):
            self._held.pop((event.address, event.turn), None)
        return self._record(event) if self._found_in(event) else event

    def _found_in(self, record: object) -> bool:
        """True where a secret stands somewhere in ``record``: almost never, so this is asked before it is taken apart.

        All its text is searched at once; no secret spans two strings, because no form of one holds a NUL.
        """
        strings: list[str] = []
        _gather(record, strings.append)
        text = "\0".join(strings)
        return any(form in text for form in self._forms)

    def _piece(self, stream: tuple[str, int], text: str) -> str:
        """A secret may be cut in two by the pieces: what could be its beginning is held back until more is seen."""
        whole = self._held.pop(stream, "") + text
        held = max((_overlap(whole, form) for form in self._forms), default=0)
        if held:
            self._held[stream] = whole[-held:]
        return self.text(whole[:-held] if held else whole)

    def _record(self, record: _T) -> _T:
        changes: dict[str, object] = {}
        for field in fields(record):  # type: ignore[arg-type]
            if field.name not in _NEVER_SECRET:
                value = getattr(record, field.name)
                cleaned = self._clean(value)
                if cleaned is not value:
                    changes[field.name] = cleaned
        return replace(record, **changes) if changes else record  # type: ignore[type-var]

    def _clean(self, value: _T) -> _T:
        cleaned: object = value
        if isinstance(value, str):
            cleaned = self.text(value)
        elif isinstance(value, Mapping):
            pairs = {self.text(key): self._clean(part) for key, part in value.items()}
            cleaned = value if _same(pairs, value) else pairs
        elif isinstance(value, list | tuple):
            parts = [self._clean(part) for part in value]
            same = all(new is old for new, old in zip(parts, value, strict=True))
            cleaned = value if same else type(value)(parts)
        elif is_dataclass(value):
            cleaned = self._record(value)
        return cleaned  # type: ignore[return-value]


def _gather(value: object, add: Callable[[str], None]) -> None:
    """Hand every string of ``value`` to ``add``, keys of mappings too."""
    kind = type(value)
    if kind is str:
        add(value)  # type: ignore[arg-type]
    elif kind is dict:
        for key, part in value.items():  # type: ignore[attr-defined]
            add(key)
            if type(part) not in _PLAIN:  # the facts of a decision are many, and most are numbers
                _gather(part, add)
    elif kind is list or kind is tuple:
        for part in value:  # type: ignore[attr-defined]
            _gather(part, add)
    elif kind not in _PLAIN:
        _gather_other(value, add)


def _gather_other(value: object, add: Callable[[str], None]) -> None:
    if isinstance(value, str):
        add(value)
    elif isinstance(value, Mapping):
        _gather(dict(value), add)
    elif isinstance(value, list | tuple):
        _gather(list(value), add)
    elif is_dataclass(value):
        for name in _field_names(value.__class__):
            _gather(getattr(value, name), add)


@cache
def _field_names(kind: type[object]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))  # type: ignore[arg-type]


def _same(new: Mapping[str, object], old: Mapping[str, object]) -> bool:
    return len(new) == len(old) and all(key in new and new[key] is part for key, part in old.items())


def _overlap(text: str, form: str) -> int:
    """How many characters at the end of ``text`` are the beginning, but not the whole, of ``form``."""
    begin = text.find(form[0], max(0, len(text) - len(form) + 1))
    while begin >= 0:
        if form.startswith(text[begin:]):
            return len(text) - begin
        begin = text.find(form[0], begin + 1)
    return 0


def _forms(secret: str) -> Iterator[str]:
    """Every spelling of ``secret`` that is looked for."""
    yield from _spellings(secret)
    for encoded in _base64_forms(secret.encode("utf-8", "surrogateescape")):
        yield from _spellings(encoded)
    for line in secret.splitlines():
        # Keys of several lines are quoted line by line.
        if len(line) >= 2 * SHORTEST:
            yield line


def _spellings(text: str) -> Iterator[str]:
    yield text
    for ascii_only in (True, False):
        once = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        twice = json.dumps(once, ensure_ascii=ascii_only)[1:-1]
        yield from (once, twice, once.replace("/", "\\/"), _other_case(once))
    urls = [quote(text, safe=safe, errors="surrogateescape") for safe in _SAFE_IN_URLS]
    for url in (*urls, quote_plus(text, errors="surrogateescape")):
        yield from (url, _other_case(url))


def _other_case(text: str) -> str:
    """``%2F`` as ``%2f``, ``\\u00e9`` as ``\\u00E9``: both are written by somebody."""

    def swap(match: re.Match[str]) -> str:
        escape = match.group()
        return escape.lower() if escape.startswith("%") else "\\u" + escape[2:].upper()

    return _ESCAPE.sub(swap, text)


def _base64_forms(raw: bytes) -> Iterator[str]:
    """What base64 makes of ``raw`` at each of the three places where it can begin, without the shared ends."""
    for before in range(3):
        first = -(-before * 8 // 6)
        end = (before + len(raw)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(bytes(before) + raw).decode("ascii")[first:end]
