"""What was asked: every field is part of the question or listed as none, and older digests keep their own rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace

import pytest

from nano_flow.core.messages import Attachment, Message, ToolCall, ToolSpec
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.ask import ModelAsk
from nano_flow.gateway.sending import first_fingerprint
from nano_flow.gateway.sending.fingerprint import NOT_ASKED, Asked
from nano_flow.plan.call_specs import ReplySpec, RouteSpec
from tests.gateway.fakes import ask

REF = ModelRef("alpha", "one")
TOOL = ToolSpec("look", "Look a word up.", {"type": "object"})
SAID = Message(
    "assistant", "hm", (ToolCall("1", "look", "{}"),), "1", (Attachment("a", "b", "c"),), provider_data={"a": 1}
)
FULL = ModelAsk(
    "step", 0, (SAID,), (TOOL,), reply=ReplySpec({"type": "object"}, {"seed": 1}, 100), route=RouteSpec("simple")
)
"""A question in which every type of the request stands once."""


def changes(value: object) -> Iterator[tuple[str, object]]:
    """``value`` with each of its fields changed in turn, however deep, and the field's name."""
    for field in fields(value):  # type: ignore[arg-type]
        here = getattr(value, field.name)
        inner = here[0] if isinstance(here, tuple) and here and is_dataclass(here[0]) else here
        if is_dataclass(inner):
            for name, changed in changes(inner):
                yield name, replace(value, **{field.name: (changed,) if isinstance(here, tuple) else changed})  # type: ignore[type-var]
        else:
            yield f"{type(value).__name__}.{field.name}", replace(value, **{field.name: other(here)})  # type: ignore[type-var]


def other(value: object) -> object:
    """Another value of about the same kind."""
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, dict):
        return {**value, "other": 1}
    return ("other",) if not value else None


@pytest.mark.parametrize(("name", "changed"), list(changes(FULL)), ids=[name for name, _ in changes(FULL)])
def test_a_field_is_part_of_the_question_or_listed_as_none(name: str, changed: ModelAsk) -> None:
    same = Asked(changed).fingerprint(changed) == Asked(FULL).fingerprint(FULL)
    assert same == (name in NOT_ASKED)
    cached = Asked(changed).cache_keys(REF, "", 7) == Asked(FULL).cache_keys(REF, "", 7)
    if name == "ModelAsk.cache_part":
        assert not cached
    else:
        assert cached == (name in NOT_ASKED or name in ("RouteSpec.model", "ModelAsk.escalate"))


def test_the_list_names_fields_that_there_are() -> None:
    assert NOT_ASKED.keys() <= {name for name, _ in changes(FULL)}


def test_a_cached_reply_belongs_to_its_model_its_address_and_its_cap() -> None:
    asked = Asked(FULL)
    keys = {asked.cache_keys(*key)[0] for key in ((REF, "", 7), (REF, "http://x", 7), (REF, "", 8))}
    assert len(keys | {asked.cache_keys(ModelRef("beta", "one"), "", 7)[0]}) == 4


def test_a_recorded_reply_of_an_older_release_is_compared_by_its_own_rule() -> None:
    question = ask("Name a colour.", model="simple", params={"seed": 1}, cache=True)
    asked = Asked(question)
    text = first_fingerprint.question_text(question, asked.text)
    assert text is not None
    old = first_fingerprint.fingerprint(text, "simple", 0)
    assert asked.is_answered_by(old, question)
    assert asked.is_answered_by(asked.fingerprint(question), question)
    dearer = replace(question, escalate=1)
    assert not asked.is_answered_by(old, dearer) and not asked.is_answered_by(asked.fingerprint(question), dearer)
    assert first_fingerprint.cache_key(text, REF, "", 7) in asked.cache_keys(REF, "", 7)


def test_the_old_rule_does_not_speak_for_what_it_did_not_know() -> None:
    known = '{"messages": [{"content": "hi", "role": "user"}], "reply": {"params": {"new": 1}}}'
    assert first_fingerprint.question_text(ask("hi"), known) is not None
    for unknown in ('{"messages": [], "batch": true}', '{"messages": [{"voice": "x"}]}', '{"reply": {"style": "x"}}'):
        assert first_fingerprint.question_text(ask("hi"), unknown) is None
