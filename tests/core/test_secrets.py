"""Secrets are taken out of data and come back as they stood; pieces and wrapped base64 count; other words stay."""

from __future__ import annotations

import base64
import json
import textwrap
from dataclasses import asdict
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nano_flow.core.errors import UsageError
from nano_flow.core.events import CallFinished, StepFailed, TextStreamed
from nano_flow.core.messages import ChatReply, Json, Usage
from nano_flow.core.redact import MASK, Redactor
from nano_flow.core.secrets.masks import Mask, masks_json, read_masks, restored
from nano_flow.core.secrets.naming import environment_secrets, in_force, sounds_secret
from tests.stores.samples import finished

KEY, PASSWORD = "sk-proj-0123456789abcdefABCDEF", 'p"ä/ss\n+wörd '
VALUES = {"env:KEY": KEY, "input:password": PASSWORD}

SPELLINGS = [
    lambda s: s,
    lambda s: json.dumps({"a": s}),
    lambda s: json.dumps(json.dumps([s])),
    lambda s: "https://x/?k=" + quote(s, safe=""),
    lambda s: base64.b64encode(b"user:" + s.encode()).decode(),
    lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    lambda s: "\n".join(textwrap.wrap(base64.b64encode(b"x" * 50 + s.encode() + b"y" * 60).decode(), 76)),
    lambda s: "\r\n".join(textwrap.wrap(base64.b64encode(s.encode() * 3).decode(), 64)),
    lambda s: json.dumps("\n".join(textwrap.wrap(base64.b64encode(b"abc" + s.encode() * 2).decode(), 20))),
]


@pytest.mark.parametrize("spell", SPELLINGS)
@pytest.mark.parametrize("secret", [KEY, PASSWORD])
def test_what_was_taken_out_comes_back_exactly(spell: object, secret: str) -> None:
    text = spell(secret)  # type: ignore[operator]
    value: Json = {"a": [f"before {text} after {text}", 1], f"k {text}": {"b": text}, "c": "innocent"}
    cleaned, masks = Redactor(VALUES).sealed(value)
    shown = json.dumps(cleaned)
    assert MASK in shown
    assert secret not in shown
    assert not Redactor(VALUES).holds_secret(cleaned)
    kept = read_masks(json.loads(json.dumps(masks_json(masks))))
    assert secret not in json.dumps(masks_json(masks))
    assert restored(cleaned, kept, VALUES.get) == value


@given(
    secret=st.text(min_size=8, max_size=30),
    parts=st.lists(st.text(max_size=8), min_size=2, max_size=5),
)
def test_any_secret_in_any_text_comes_back(secret: str, parts: list[str]) -> None:
    value: Json = [secret.join(parts), {secret: parts}]  # type: ignore[dict-item]
    cleaned, masks = Redactor({"env:X": secret}).sealed(value)
    assert restored(cleaned, read_masks(masks_json(masks)), lambda name: secret) == value


def test_a_changed_secret_takes_the_place_of_the_old_one() -> None:
    cleaned, masks = Redactor({"env:K": KEY}).sealed({"h": f"Bearer {KEY}!"})
    assert restored(cleaned, masks, lambda name: "sk-another-one-12345") == {"h": "Bearer sk-another-one-12345!"}


@pytest.mark.parametrize(("name", "how"), [("env:KEY", "set the variable KEY"), ("input:pw", "again with -i pw=")])
def test_a_secret_that_is_gone_is_named_with_what_to_do(name: str, how: str) -> None:
    cleaned, masks = Redactor({name: KEY}).sealed([KEY])
    with pytest.raises(UsageError, match=how):
        restored(cleaned, masks, lambda name: None)


@pytest.mark.parametrize("data", [5, [1], [[["a"], "x", "n", 0, 0, 1, [], False]], [[[], 0, "n", 0, 0, 1, [[1]], 0]]])
def test_damaged_references_are_refused(data: object) -> None:
    with pytest.raises(ValueError, match="damaged"):
        read_masks(data)


@pytest.mark.parametrize("path", [("b",), ("a", 0), ("a", "x"), ()])
def test_a_reference_that_leads_nowhere_is_refused(path: tuple[str | int, ...]) -> None:
    with pytest.raises(ValueError, match="leads nowhere"):
        restored({"a": "no mask here"}, (Mask(path, 0, "env:KEY", 0, 0, 9),), VALUES.get)


def test_two_names_that_differ_in_a_secret_stay_two() -> None:
    value: Json = {KEY: 1, PASSWORD: 2, MASK: 3}
    cleaned, masks = Redactor(VALUES).sealed(value)
    assert len(cleaned) == 3  # type: ignore[arg-type]
    assert restored(cleaned, masks, VALUES.get) == value


@pytest.mark.parametrize("cut", [12, 20, len(KEY) - 1])
def test_pieces_that_a_cut_left_are_found_in_messages(cut: int) -> None:
    redactor = Redactor(VALUES)
    for text in (f"'{KEY[:cut]}…' does not match", f"exit code 1: {KEY[-cut:]} is wrong", f"said {KEY[:cut]}"):
        event = StepFailed(1.0, "a", "schema", text, 0.1)
        ((cleaned, masks),) = redactor.told(event)
        assert isinstance(cleaned, StepFailed)
        assert KEY[:10] not in cleaned.message
        assert KEY[-10:] not in cleaned.message
        assert restored(asdict(cleaned), masks, VALUES.get) == asdict(event)  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", ["", "s", "sk", "sk-proj-012", KEY[:-1], KEY, "x"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_streamed_pieces_are_the_reply_and_nothing_is_lost(ending: str, size: int) -> None:
    whole = "Paris " + ending
    redactor = Redactor(VALUES)
    events = [TextStreamed(1.0, "ask", 0, whole[at : at + size]) for at in range(0, len(whole), size)]
    told = [e for event in events for e, _ in redactor.told(event)]
    end = finished(reply=ChatReply(whole, "stop", Usage()))
    last = [e for e, _ in redactor.told(end)]
    reply = last[-1]
    assert isinstance(reply, CallFinished)
    pieces = [e.text for e in (*told, *last) if isinstance(e, TextStreamed)]
    assert "".join(pieces) == reply.reply.text
    assert KEY not in "".join(pieces)


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        *((name, True) for name in ("OPENAI_API_KEY", "GITHUB_TOKEN", "DB_PASSWORD", "my_secret", "APIKEY", "GH_PAT")),
        *((name, False) for name in ("AWS_PROFILE", "AWS_REGION", "VERTEX_PROJECT", "SSH_AUTH_SOCK", "KEYBOARD")),
        *((name, False) for name in ("TOKEN_URL", "SECRET_FILE", "MONKEY", "AUTHOR", "PATH", "TOKEN_COUNT")),
    ],
)
def test_only_what_is_a_secret_sounds_like_one(name: str, secret: bool) -> None:
    assert sounds_secret(name) is secret


def test_values_that_stand_in_innocent_texts_are_none() -> None:
    environ = {
        "A_KEY": "production",
        "B_TOKEN": "/run/secrets/token",
        "C_SECRET": "short",
        "D_PASSWORD": "true-or-false",
        "E_KEY": "1234567890",
        "F_TOKEN": "ghp_0123456789abcdef",
        "PLAIN": "sk-0123456789abcdef",
        "USED": "sk-0123456789abcdef",
    }
    assert set(environment_secrets(environ, ["USED"])) == {"env:F_TOKEN", "env:USED"}


def test_secrets_are_looked_up_where_they_came_from() -> None:
    lookup = in_force({"KEY": KEY}, {"pw": PASSWORD}.get)
    assert (lookup("env:KEY"), lookup("input:pw"), lookup("env:pw"), lookup("input:KEY")) == (KEY, PASSWORD, None, None)


@pytest.mark.parametrize("path", [("gone",), ("a",), (0,)])
def test_a_name_that_is_not_there_is_no_place_for_a_secret(path: tuple[str | int, ...]) -> None:
    with pytest.raises(ValueError, match="leads nowhere"):
        restored({"a": [1]} if path != (0,) else [1], (Mask(path, 0, "env:KEY", 0, 0, 9, (), 1),), VALUES.get)


def test_records_that_are_no_plain_data_are_searched_too() -> None:
    from collections import UserDict
    from types import MappingProxyType

    redactor = Redactor(VALUES)
    for value in (
        MappingProxyType({"a": KEY}),
        {"a": MappingProxyType({"b": (KEY,)})},
        {"a": {KEY, "b"}},
        UserDict(a=KEY),
    ):
        assert redactor.holds_secret(value) is not isinstance(value.get("a"), set)
