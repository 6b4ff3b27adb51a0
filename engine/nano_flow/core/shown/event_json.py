"""Events as other programs read them: money as decimal strings, times in RFC 3339, one stable name per field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from math import isfinite
from typing import get_args

from nano_flow.core.events import Event
from nano_flow.core.messages import ChatReply, Json, ToolCall, Usage
from nano_flow.core.money import usd
from nano_flow.core.outcomes import Failure, ItemFailure
from nano_flow.core.text import rfc3339

SCHEMA = "nano-flow/event@1"

EVENT_KINDS: Mapping[str, type[Event]] = {cls.__name__: cls for cls in get_args(Event)}
"""Every event by its name: ``CallFinished`` …"""

_NESTED = (ChatReply, Usage, ToolCall, ItemFailure, Failure)
_TIMES = frozenset({"at", "expires_at", "until"})
_HIDDEN = frozenset({"provider_data"})
"""Blobs that only a provider can read."""


def event_json(event: Event) -> dict[str, Json]:
    """``event`` as a ``nano-flow/event@1`` mapping, all fields present."""
    return {"schema": SCHEMA, "event": type(event).__name__, **_record(event)}


def json_text(value: Json) -> str:
    """``value`` as one line of strict JSON: numbers that JSON does not know (NaN) become their names."""
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(finite(value), allow_nan=False)


def finite(value: Json) -> Json:
    """``value`` with NaN and the infinities replaced by ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``."""
    if isinstance(value, float):
        return value if isfinite(value) else json.dumps(value)
    if isinstance(value, list):
        return [finite(part) for part in value]
    if isinstance(value, dict):
        return {key: finite(part) for key, part in value.items()}
    return value


def _record(value: object) -> dict[str, Json]:
    record: dict[str, Json] = {}
    for name, public, form in _FORMS[type(value)]:
        part = getattr(value, name)
        record[public] = part if part is None else _shown(part, form)
    return record


def _shown(part: object, form: str) -> Json:
    if form == "money" and isinstance(part, int):
        return usd(part)
    if form == "time" and isinstance(part, int | float):
        return rfc3339(part)
    return _plain(part)


def _plain(value: object) -> Json:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return _record(value) if type(value) in _FORMS else str(value)


def _forms(cls: type) -> tuple[tuple[str, str, str], ...]:
    """Name, public name and form of each field that is shown."""
    rows = []
    for field in fields(cls):
        if str(field.type).startswith("Money"):
            rows.append((field.name, f"{field.name}_usd", "money"))
        elif field.name not in _HIDDEN:
            rows.append((field.name, field.name, "time" if field.name in _TIMES else "plain"))
    return tuple(rows)


_FORMS: Mapping[type, tuple[tuple[str, str, str], ...]] = {
    cls: _forms(cls) for cls in (*EVENT_KINDS.values(), *_NESTED)
}
