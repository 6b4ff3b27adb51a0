"""What was asked, as a digest: it finds recorded replies again, and cached ones.

Both digests follow from the fields of ``ModelAsk`` and of the types in it. A field that is added is part of the
question at once; only what ``NOT_ASKED`` lists is not. A field with its default value leaves no trace, so that
digests stay when a field is added. ``VERSION`` changes with the rule itself: older digests are compared by their own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from functools import cached_property, lru_cache
from operator import attrgetter

from nano_flow.core.messages import Message
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.ask import ModelAsk
from nano_flow.gateway.sending import first_fingerprint

VERSION = "2"
NOT_ASKED: Mapping[str, str] = {
    "ModelAsk.address": "where the reply is found again",
    "ModelAsk.turn": "where the reply is found again",
    "ModelAsk.facts": "what routing knows of the run; it chooses the model only",
    "ModelAsk.budgets": "who pays",
    "ModelAsk.cache": "whether a reply is kept",
    "ModelAsk.cache_ttl_s": "how long a reply is kept",
    "ModelAsk.cache_part": "which of the kept replies; the key of a kept reply has it beside the question",
    "ModelAsk.timeout_s": "how long the answer may take",
    "ModelAsk.retry": "how failures are answered",
    "ModelAsk.purpose": "who asks",
    "ModelAsk.script_turn": "which reply of a script is due",
    "ModelAsk.written": "how a model is chosen: what is sent of it stands in the messages",
    "ModelAsk.keep_model": "the model to go on with: a resumed run takes the reply that it has",
    "ModelAsk.repairs": "what may follow, told for replays under another policy",
    "ModelAsk.may_escalate": "what may follow, told for replays under another policy",
    "RouteSpec.policy": "how a model is chosen: a resumed run takes the reply that it has",
    "RouteSpec.providers": "how a model is chosen",
    "RouteSpec.complexity": "how a model is chosen",
    "RouteSpec.complexity_at_least": "how a model is chosen",
    "RouteSpec.complexity_at_most": "how a model is chosen",
    "RouteSpec.fallback": "how a model is chosen",
    "RouteSpec.tags": "how a model is chosen",
    "Message.provider_data": "what a provider wants back of its own reply, which is part of the question already",
}
"""Fields that are no part of the question, as ``Type.field``, and why."""

_BETWEEN = "\x00"
_WHO = ("route", "escalate")
"""Fields that tell which model was asked for: part of the fingerprint; a cached reply has its model in its key."""


class Asked:
    """One question, without the model that is asked; made once for all models and attempts."""

    def __init__(self, ask: ModelAsk) -> None:
        self._ask = ask

    @cached_property
    def text(self) -> str:
        """The question as canonical text."""
        plain = _plain(self._ask)
        return _encode({name: value for name, value in plain.items() if name not in _WHO})

    def fingerprint(self, level: ModelAsk) -> str:
        """The digest that a recorded reply is compared by: the question and the model or tier that was asked for.

        ``level`` is the same question, perhaps put to another tier. The model that is chosen is no part of it, nor is
        the document: a resumed run takes the reply it has.
        """
        who = _encode([getattr(level, name) for name in _WHO])
        return _versioned(who, self.text)

    def is_answered_by(self, recorded: str, level: ModelAsk) -> bool:
        """Whether the reply with the fingerprint ``recorded``, of this release or an older one, answers ``level``."""
        if recorded.startswith(f"{VERSION}:"):
            return recorded == self.fingerprint(level)
        old = self._old_text
        return old is not None and recorded == first_fingerprint.fingerprint(old, level.route.model, level.escalate)

    def cache_keys(self, ref: ModelRef, base_url: str, output_cap: int) -> tuple[str, ...]:
        """The keys that a cached reply may be kept under, the first to keep it: its model, and where that is served.

        The others are those of older releases.
        """
        part = self._ask.cache_part
        key = _versioned(str(ref), base_url, str(output_cap), self.text, *([part] if part else ()))
        old = None if part else self._old_text
        return (key,) if old is None else (key, first_fingerprint.cache_key(old, ref, base_url, output_cap))

    @cached_property
    def _old_text(self) -> str | None:
        return first_fingerprint.question_text(self._ask, self.text)


def prompt_digest(messages: Iterable[Message]) -> str:
    """The digest of what a conversation begins with: one prompt has one, whichever model answers it."""
    return _digest(first_fingerprint.messages_text(messages))


def _versioned(*parts: str) -> str:
    return f"{VERSION}:{_digest(_BETWEEN.join(parts))}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]


@dataclass(frozen=True, slots=True)
class _Counted:
    """The fields of a type that count, how to read them all at once, and the values that leave no trace."""

    names: tuple[str, ...]
    read: Callable[[object], tuple[object, ...]]
    usual: tuple[object, ...]


def _plain(value: object) -> dict[str, object]:
    """What ``json`` does not know: a mapping, or one of our types as the fields that differ from their defaults."""
    if isinstance(value, Mapping):
        return dict(value)
    kind: type = type(value)
    counted = _counted(kind)
    here = counted.read(value)
    return {n: v for n, v, usual in zip(counted.names, here, counted.usual, strict=True) if v != usual}


@lru_cache(maxsize=64)
def _counted(kind: type) -> _Counted:
    counted = [field for field in fields(kind) if f"{kind.__name__}.{field.name}" not in NOT_ASKED]
    names = tuple(field.name for field in counted)
    # Read with one field more, so that the result is a tuple also where only one counts.
    read = attrgetter(*names, "__class__")
    return _Counted((*names, "class"), read, (*map(_usual, counted), kind))


def _usual(field: Field[object]) -> object:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_plain).encode
