"""Secret values taken out of everything that is kept or shown, however they are encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from operator import attrgetter
from typing import TypeVar

from nano_flow.core.events import CallFailed, CallFinished, Event, TextStreamed
from nano_flow.core.messages import Json
from nano_flow.core.secrets.finding import Finder
from nano_flow.core.secrets.forms import SHORTEST as SHORTEST
from nano_flow.core.secrets.masks import MASK as MASK
from nano_flow.core.secrets.masks import Mask, Masks, Step

_T = TypeVar("_T")
_NEVER_SECRET = frozenset({"at", "address", "step", "kind", "fingerprint", "run_id", "plan_digest", "prompt_digest"})
"""Fields that are made by the engine; results are looked up by them."""
_OURS = frozenset({"message", "error", "recovered", "detail"})
"""Fields with sentences of ours: what they quote may have been cut, so pieces of a secret are looked for, too."""
_PLAIN = frozenset({int, float, bool, type(None)})


class Redactor:
    """Replaces secret values by ``***``: verbatim, in JSON (also inside JSON text), in URLs, in base64.

    ``secrets`` is name → value, where what was taken out has to be found again; else the values.
    """

    def __init__(self, secrets: Mapping[str, str] | Iterable[str]) -> None:
        named = secrets if isinstance(secrets, Mapping) else {str(n): value for n, value in enumerate(secrets)}
        self._finder = Finder(named)
        self._held: dict[tuple[str, int], str] = {}

    def __bool__(self) -> bool:
        return bool(self._finder.spellings)

    def text(self, text: str) -> str:
        """``text`` without secrets; the same object where there are none."""
        return self._masked(text, (), None)

    def message(self, text: str) -> str:
        """The same for a sentence of ours: pieces that a cut left count, too."""
        return self._masked(text, (), None, pieces=True)

    def json(self, value: Json) -> Json:
        """Plain data without secrets, in keys too; the same object where there are none."""
        return self.sealed(value)[0]

    def sealed(self, value: _T) -> tuple[_T, Masks]:
        """Plain data or a record without secrets, and what was taken out of it."""
        if not self or not self._found_in(value):
            return value, ()
        masks: list[Mask] = []
        return self._clean(value, (), masks), tuple(masks)

    def holds_secret(self, value: object) -> bool:
        """Whether a secret stands somewhere in ``value``."""
        return bool(self) and self._found_in(value)

    def told(self, event: Event) -> Iterable[tuple[Event, Masks]]:
        """``event`` without secrets, and what was taken out of it; before the end of a call the rest of its stream.

        Pieces of one text are seen together.
        """
        if not self:
            return ((event, ()),)
        if isinstance(event, TextStreamed):
            return ((replace(event, text=self._piece((event.address, event.turn), event.text)), ()),)
        if self._held and isinstance(event, CallFinished | CallFailed):
            rest = self._held.pop((event.address, event.turn), "")
            if rest:
                return (TextStreamed(event.at, event.address, event.turn, rest), ()), self.sealed(event)
        return (self.sealed(event),)

    def event(self, event: Event) -> Event:
        """``event`` without secrets, for who needs no more than that."""
        return [cleaned for cleaned, _ in self.told(event)][-1]

    def _found_in(self, record: object) -> bool:
        """True where a secret may stand in ``record``: almost never, so this is asked before it is taken apart.

        All its text is searched at once; no secret spans two strings, because no form of one holds a NUL.
        """
        text = "\0".join(_strings_of(record))
        return self._finder.anywhere(text) or (_quotes(record) and self._finder.pieced(text))

    def _piece(self, stream: tuple[str, int], text: str) -> str:
        """A secret may be cut in two by the pieces: what could be its beginning is held back until more is seen."""
        whole = self._held.pop(stream, "") + text
        held = max((_overlap(whole, form) for form in self._finder.spellings), default=0)
        if held:
            self._held[stream] = whole[-held:]
        return self.text(whole[:-held] if held else whole)

    def _masked(self, text: str, path: tuple[Step, ...], masks: list[Mask] | None, *, pieces: bool = False) -> str:
        found = self._finder.find(text, pieces=pieces)
        if not found:
            return text
        parts: list[str] = []
        at = made = 0
        for one in found:
            parts += (text[at : one.start], MASK)
            made += one.start - at
            if masks is not None:
                masks.append(Mask(path, made, one.form.name, one.form.number, one.begin, one.end, one.breaks))
            at, made = one.stop, made + len(MASK)
        return "".join((*parts, text[at:]))

    def _record(self, record: _T, path: tuple[Step, ...], masks: list[Mask]) -> _T:
        changes: dict[str, object] = {}
        for name in _names_of(record):
            if name not in _NEVER_SECRET:
                value = getattr(record, name)
                if name in _OURS and isinstance(value, str):
                    cleaned: object = self._masked(value, (*path, name), masks, pieces=True)
                else:
                    cleaned = self._clean(value, (*path, name), masks)
                if cleaned is not value:
                    changes[name] = cleaned
        return replace(record, **changes) if changes else record  # type: ignore[type-var]

    def _clean(self, value: _T, path: tuple[Step, ...], masks: list[Mask]) -> _T:
        cleaned: object = value
        if isinstance(value, str):
            cleaned = self._masked(value, path, masks)
        elif isinstance(value, Mapping):
            cleaned = self._members(value, path, masks)
        elif isinstance(value, list | tuple):
            parts = [self._clean(part, (*path, index), masks) for index, part in enumerate(value)]
            same = all(new is old for new, old in zip(parts, value, strict=True))
            cleaned = value if same else type(value)(parts)
        elif is_dataclass(value):
            cleaned = self._record(value, path, masks)
        return cleaned  # type: ignore[return-value]

    def _members(self, value: Mapping[str, object], path: tuple[Step, ...], masks: list[Mask]) -> Mapping[str, object]:
        pairs: dict[str, object] = {}
        for name, part in value.items():
            inside: list[Mask] = []
            shown = self._masked(name, (), inside)
            added = 0
            while shown in pairs or (shown != name and shown in value):
                shown, added = shown + "*", added + 1  # two names that differ in a secret only stay two
            masks.extend(mask._replace(path=(*path, shown), key=1 + added) for mask in inside)
            pairs[shown] = self._clean(part, (*path, shown), masks)
        return value if _same(pairs, value) else pairs


def _strings_of(record: object) -> list[str]:
    """Every string of ``record``, keys of mappings too, in any order; without recursion, for each event is asked."""
    strings: list[str] = []
    pending = [record]
    while pending:
        value = pending.pop()
        kind = type(value)
        if kind is str:
            strings.append(value)  # type: ignore[arg-type]
        elif kind in _PLAIN:
            continue
        elif kind is dict:
            strings += value  # type: ignore[arg-type]
            pending += [part for part in value.values() if type(part) not in _PLAIN]  # type: ignore[attr-defined]
        elif kind is list or kind is tuple:
            pending += value  # type: ignore[arg-type]
        elif isinstance(value, str):
            strings.append(value)
        else:
            pending += _parts_of(value)
    return strings


def _parts_of(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return (dict(value),)
    if isinstance(value, list | tuple):
        return value
    return _values_of(value.__class__)(value) if is_dataclass(value) else ()


def _quotes(record: object) -> bool:
    """Whether a sentence of ours stands in ``record``: few events have one."""
    names = _names_of(record) if is_dataclass(record) else ()
    return any(getattr(record, name) for name in names if name in _OURS or name == "errors")


def _names_of(record: object) -> tuple[str, ...]:
    return _field_names(record.__class__)  # type: ignore[arg-type]


@cache
def _values_of(kind: type[object]) -> Callable[[object], tuple[object, ...]]:
    """The values of a record's fields, read at once; the class beside them makes one field a tuple, too."""
    return attrgetter(*_field_names(kind), "__class__.__name__")  # type: ignore[arg-type]


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
