"""Events to JSON text and back, as stores keep them: exact, tolerant of other versions, nothing but data.

What could not be read again is not written: one such event would make a whole run unreadable.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from math import isfinite
from operator import attrgetter
from typing import NamedTuple, TypeVar

from nano_flow.core.events import Event
from nano_flow.core.messages import ChatReply, Json, ToolCall, Usage
from nano_flow.core.outcomes import Failure, ItemFailure
from nano_flow.core.secrets.masks import Lookup, Masks, masks_json, read_masks, restored
from nano_flow.core.shown.event_json import EVENT_KINDS

_Record = TypeVar("_Record")
_COLUMNS = frozenset({"at", "address"})
_ABSENT = object()


class EventRow(NamedTuple):
    """One event as a store keeps it; ``body`` is JSON without the fields that have columns of their own."""

    kind: str
    address: str
    at: float
    body: str


@dataclass(frozen=True, slots=True)
class _Shape:
    """How one class is written and read: its fields, what they are when absent, and who checks them both ways."""

    read: Callable[[object], Sequence[object]]
    defaults: tuple[object, ...]
    checks: tuple[tuple[str, Callable[[object], object], object], ...]
    by_name: Mapping[str, Callable[[object], object]]
    usual: dict[str, object]
    """What fields are that are not there, for all that may be absent."""


_SECRETS = "$secrets"
"""Beside what was masked: which secrets stood there. No field of a record has such a name."""


def encode_event(event: Event, masks: Masks = ()) -> EventRow:
    """``event`` as a row. Raises ValueError where it holds what JSON cannot, or what could not be read again."""
    cls = type(event)
    address: str = getattr(event, "address", "")
    body = sealed(_fields(event, _BODIES[cls]), masks)
    return EventRow(cls.__name__, address, event.at, encode_json(body, cls.__name__, address))


def sealed(record: dict[str, object], masks: Masks) -> dict[str, object]:
    """The fields of a masked record, with the references to what was taken out of them."""
    return {**record, _SECRETS: masks_json(masks)} if masks else record


def unsealed(record: dict[str, Json], lookup: Lookup | None) -> dict[str, Json]:
    """The same without the references; with a ``lookup`` the secrets stand where they stood. Raises ValueError."""
    if _SECRETS not in record:
        return record
    plain = {name: value for name, value in record.items() if name != _SECRETS}
    value = restored(plain, read_masks(record[_SECRETS]), lookup) if lookup else plain
    assert isinstance(value, dict)
    return value


def encode_input(value: Json, masks: Masks, address: str) -> str:
    """The input of an answer. One that looks sealed is sealed itself, so that nobody can write a reference by hand."""
    if masks or (isinstance(value, dict) and _SECRETS in value):
        return encode_json({"value": value, _SECRETS: masks_json(masks)}, "answer", address)
    return encode_json(value, "answer", address)


def decode_input(text: str) -> tuple[Json, Masks]:
    """What ``encode_input`` wrote. Raises ValueError for damaged data."""
    value = decode_json(text)
    if isinstance(value, dict) and _SECRETS in value:
        return value.get("value"), read_masks(value[_SECRETS])
    return value, ()


def decode_event(row: EventRow, lookup: Lookup | None = None) -> Event | None:
    """The event of ``row``; None for a kind that this version does not know. Raises ValueError for damaged data.

    With a ``lookup`` secrets are put back; it raises UsageError where one is gone.
    """
    cls = EVENT_KINDS.get(row.kind)
    if cls is None:
        return None
    body = decode_json(row.body)
    if not isinstance(body, dict):
        raise ValueError(f"a {row.kind} that is not a mapping")
    fields_there = unsealed(body, lookup)
    fields_there["at"], fields_there["address"] = row.at, row.address
    return _build(cls, fields_there)


def encode_reply(reply: ChatReply) -> str:
    """``reply`` as JSON text."""
    return encode_json(_fields(reply, _SHAPES[ChatReply]), "reply", "")


def decode_reply(text: str) -> ChatReply:
    """The reply that ``encode_reply`` wrote. Raises ValueError for damaged data."""
    return _build(ChatReply, _mapping(decode_json(text)))


def encode_json(value: object, what: str, address: str) -> str:
    """Compact JSON text. NaN and lone surrogates survive; what is no JSON raises ValueError naming ``what``."""
    try:
        return _ENCODE(value)
    except (TypeError, ValueError, RecursionError) as error:
        at = f' at "{address}"' if address else ""
        raise ValueError(f"{what}{at} holds a value that is not JSON: {error}") from error


def decode_json(text: str) -> Json:
    """The value of ``text``. Raises ValueError for damaged data."""
    try:
        value, end = _DECODE(text, 0 if text[:1] not in _BLANK else len(text) - len(text.lstrip()))
    except RecursionError as error:
        raise ValueError("data that is nested too deeply") from error
    if end != len(text) and text[end:].strip():
        raise ValueError("data with something behind its end")
    found: Json = value
    return found


def _fields(record: object, shape: _Shape) -> dict[str, object]:
    kept: dict[str, object] = {}
    for (name, check, _), value, default in zip(shape.checks, shape.read(record), shape.defaults, strict=True):
        if value is not default and value != default:
            _checked(name, check, value, type(record))
            kept[name] = value
    return kept


def _checked(name: str, check: Callable[[object], object], value: object, cls: type) -> object:
    try:
        return check(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f'"{name}" of a {cls.__name__}: {error}') from error


def _plain(value: object) -> object:
    """What the encoder does not know: the records that events hold, and mappings that are not dicts."""
    shape = _SHAPES.get(type(value))
    if shape is not None:
        return _fields(value, shape)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not plain data")


_BLANK = (" ", "\n", "\t", "\r")
_DECODE = json.JSONDecoder().raw_decode  # ``loads`` looks for blanks at both ends by patterns: half of its time
_ENCODE = json.JSONEncoder(separators=(",", ":"), default=_plain).encode


def _build(cls: type[_Record], data: Mapping[str, object]) -> _Record:
    """An instance of ``cls`` from the fields that are there; unknown ones are ignored, missing ones defaulted."""
    shape = _SHAPES[cls]
    values, by_name, name = shape.usual.copy(), shape.by_name, ""
    try:
        for name, value in data.items():
            check = by_name.get(name)
            if check is not None:
                values[name] = check(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f'"{name}" of a {cls.__name__}: {error}') from error
    try:
        return cls(**values)
    except TypeError as error:
        raise ValueError(f"a {cls.__name__} without what it cannot do without: {error}") from error


def _mapping(value: object) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise TypeError("expected a mapping")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("expected a text")
    return value


def _whole(value: object) -> int:
    """Counts and money: never negative, so that no damage refills a budget."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"expected a whole number from 0 on, not {value!r}")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
        raise TypeError("expected a finite number")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("expected true or false")
    return value


def _each(check: Callable[[object], object]) -> Callable[[object], object]:
    def read(value: object) -> tuple[object, ...]:
        if not isinstance(value, list | tuple):
            raise TypeError("expected a list")
        return tuple(check(part) for part in value)

    return read


def _optional(check: Callable[[object], object]) -> Callable[[object], object]:
    return lambda value: None if value is None else check(value)


def _nested(cls: type) -> Callable[[object], object]:
    return lambda value: value if isinstance(value, cls) else _build(cls, _mapping(value))


_NESTED: tuple[type, ...] = (ChatReply, Usage, ToolCall, ItemFailure, Failure)
_CHECKS: Mapping[str, tuple[Callable[[object], object], object]] = {
    "float": (_number, 0.0),
    "int": (_whole, 0),
    "Money": (_whole, 0),
    "str": (_text, ""),
    "bool": (_truth, False),
    "Json": (lambda value: value, None),
    "Mapping[str, Json]": (_mapping, {}),
    "tuple[str, ...]": (_each(_text), ()),
    "tuple[ToolCall, ...]": (_each(_nested(ToolCall)), ()),
    "tuple[ItemFailure, ...]": (_each(_nested(ItemFailure)), ()),
    "Usage": (_nested(Usage), Usage()),
    "ChatReply": (_nested(ChatReply), MISSING),
    "Failure": (_nested(Failure), MISSING),
}
"""Annotation → who checks a value of it, and what a missing one is. Other annotations are Literals of text."""


def _check(annotation: str) -> tuple[Callable[[object], object], object]:
    inner = annotation.removesuffix(" | None")
    check, absent = _CHECKS.get(inner, (_text, ""))
    return (check, absent) if inner == annotation else (_optional(check), None)


def _shape(cls: type, left_out: frozenset[str] = frozenset()) -> _Shape:
    kept = [field for field in fields(cls) if field.name not in left_out]
    defaults, checks = [], []
    for field in kept:
        check, absent = _check(str(field.type))
        default = field.default if field.default_factory is MISSING else field.default_factory()
        defaults.append(_ABSENT if default is MISSING else default)
        checks.append((field.name, check, absent if default is MISSING else default))
    names = tuple(field.name for field in kept)
    getter = attrgetter(*names)
    read: Callable[[object], Sequence[object]] = getter if len(names) > 1 else (lambda record: (getter(record),))
    by_name = {name: check for name, check, _ in checks}
    usual = {name: absent for name, _, absent in checks if absent is not MISSING}
    return _Shape(read, tuple(defaults), tuple(checks), by_name, usual)


_SHAPES: Mapping[type, _Shape] = {cls: _shape(cls) for cls in (*EVENT_KINDS.values(), *_NESTED)}
_BODIES: Mapping[type, _Shape] = {cls: _shape(cls, _COLUMNS) for cls in EVENT_KINDS.values()}
