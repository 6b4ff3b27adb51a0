"""Where secrets stand in a text: whole in any spelling, wrapped base64, and in messages also pieces that a cut left."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from nano_flow.core.secrets.forms import PLAIN_FORMS, SHORTEST, forms_of

_PIECE = 10
"""Characters of a secret, from its beginning or up to its end, that count as a piece of it."""
_LONG = 16
"""Characters of base64 that are looked for across line breaks."""
_BREAK = r"(?:\\r)?(?:\\n)|\r?\n"
_WRAPPED = re.compile(rf"[A-Za-z0-9+/=_-]{{{_LONG},}}(?:{_BREAK})[A-Za-z0-9+/=_-]")
_BREAKS = re.compile(_BREAK)


class Form(NamedTuple):
    """One spelling of one secret."""

    name: str
    number: int


class Found(NamedTuple):
    """A secret, or a piece ``begin:end`` of one, at ``start:stop`` of a text."""

    start: int
    stop: int
    form: Form
    begin: int
    end: int
    breaks: tuple[tuple[int, str], ...] = ()


class Finder:
    """Knows all spellings of some secrets; ``secrets`` is name → value."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._forms: dict[str, Form] = {}
        for name, value in secrets.items():
            for part in dict.fromkeys((value, value.strip())):
                if len(part) >= SHORTEST and part == value:
                    self._learn(name, part)
                elif len(part) >= SHORTEST:
                    self._learn(f"{name}|strip", part)
        # The longest first, so that a secret inside another one does not leave the other's ends.
        self.spellings = tuple(sorted(self._forms, key=lambda form: (-len(form), form)))
        self._base64 = tuple(
            text for text, form in self._forms.items() if form.number >= _FIRST_BASE64 and len(text) >= _LONG
        )
        self._plain = tuple(text for text, form in self._forms.items() if form.number < PLAIN_FORMS)

    def _learn(self, name: str, value: str) -> None:
        for number, text in enumerate(forms_of(value)):
            if len(text) >= SHORTEST:
                self._forms.setdefault(text, Form(name, number))

    def anywhere(self, text: str) -> bool:
        """Whether some secret stands in ``text``."""
        return any(form in text for form in self.spellings) or (
            bool(self._base64) and _WRAPPED.search(text) is not None and bool(self._wrapped(text))
        )

    def pieced(self, text: str) -> bool:
        """Whether a piece of some secret may stand in ``text``."""
        return any(form[:_PIECE] in text or form[-_PIECE:] in text for form in self._plain)

    def find(self, text: str, *, pieces: bool = False) -> list[Found]:
        """All places in ``text``, in order, none inside another; ``pieces`` too where the text is a message of ours."""
        present = [form for form in self.spellings if form in text]
        found = [self._whole(match) for match in _any_of(present).finditer(text)] if present else []
        if self._base64 and _WRAPPED.search(text):
            found += self._wrapped(text)
        if pieces:
            found += self._pieces(text)
        return _apart(found)

    def _whole(self, match: re.Match[str]) -> Found:
        text = match.group()
        return Found(match.start(), match.end(), self._forms[text], 0, len(text))

    def _wrapped(self, text: str) -> list[Found]:
        """Base64 that somebody broke into lines: looked for without the breaks."""
        breaks = [(match.start(), match.end()) for match in _BREAKS.finditer(text)]
        compact = _BREAKS.sub("", text)
        found = []
        for form in (form for form in self._base64 if form in compact):
            start = compact.find(form)
            while start >= 0:
                found.append(_across(text, breaks, start, form, self._forms[form]))
                start = compact.find(form, start + len(form))
        return found

    def _pieces(self, text: str) -> list[Found]:
        found = []
        for form in self._plain:
            if len(form) > _PIECE:
                found += _beginnings(text, form, self._forms[form]) + _ends(text, form, self._forms[form])
        return found


_FIRST_BASE64 = 17
"""The number of the first spelling that is base64: after those of the text itself."""


def _any_of(forms: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(form) for form in forms))


def _across(text: str, breaks: list[tuple[int, int]], at: int, form: str, which: Form) -> Found:
    """Where ``form``, found at ``at`` of the text without line breaks, stands in the text with them."""
    start = _with_breaks(at, breaks, inside=False)
    stop = _with_breaks(at + len(form), breaks, inside=True)
    inside = [(b - start, text[b:e]) for b, e in breaks if start <= b < stop]
    shifted, before = [], 0
    for offset, broken in inside:
        shifted.append((offset - before, broken))
        before += len(broken)
    return Found(start, stop, which, 0, len(form), tuple(shifted))


def _with_breaks(at: int, breaks: list[tuple[int, int]], *, inside: bool) -> int:
    """The place ``at`` of the text without breaks, in the text with them; ``inside``: before a break that is there."""
    for begin, end in breaks:
        if begin > at or (inside and begin == at):
            break
        at += end - begin
    return at


def _beginnings(text: str, form: str, which: Form) -> list[Found]:
    found, start = [], text.find(form[:_PIECE])
    while start >= 0:
        length = _PIECE
        while length < len(form) and text.startswith(form[: length + 1], start):
            length += 1
        found.append(Found(start, start + length, which, 0, length))
        start = text.find(form[:_PIECE], start + length)
    return found


def _ends(text: str, form: str, which: Form) -> list[Found]:
    found, at = [], text.find(form[-_PIECE:])
    while at >= 0:
        stop, length = at + _PIECE, _PIECE
        while length < len(form) and length < stop and text[stop - length - 1] == form[-length - 1]:
            length += 1
        found.append(Found(stop - length, stop, which, len(form) - length, len(form)))
        at = text.find(form[-_PIECE:], stop)
    return found


def _apart(found: list[Found]) -> list[Found]:
    """In order; of two that overlap the longer one."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda f: (f.start, -f.stop)):
        if not kept or one.start >= kept[-1].stop:
            kept.append(one)
        elif one.stop - one.start > kept[-1].stop - kept[-1].start:
            kept[-1] = one
    return kept
