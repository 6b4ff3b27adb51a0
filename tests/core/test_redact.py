"""No secret leaves the engine, however it is written."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nano_flow.core.events import CallFailed, ReplyChecked, StepFinished, TextStreamed, ToolIntended
from nano_flow.core.messages import ChatReply, ToolCall, Usage
from nano_flow.core.redact import MASK, Redactor
from tests.stores.samples import finished, started

SECRET = 'sk-CANARY/päss+word"\n~x'
KEY = "sk-0123456789abcdef"


@pytest.mark.parametrize(
    "encode",
    [
        str,
        lambda text: json.dumps({"key": text}),
        lambda text: json.dumps({"key": text}, ensure_ascii=False),
        lambda text: json.dumps(json.dumps({"key": text})),
        lambda text: json.dumps(text).replace("/", "\\/"),
        lambda text: "https://host/?key=" + quote(text, safe=""),
        lambda text: quote(text),
        lambda text: quote(text).lower(),
        lambda text: quote_plus(text),
        lambda text: quote(text, safe="!~*'()"),
        lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    ],
)
@pytest.mark.parametrize("secret", [SECRET.lower(), KEY])
def test_every_spelling_is_found(secret: str, encode: object) -> None:
    shown = encode(secret)  # type: ignore[operator]
    assert Redactor([secret]).text(f"before {shown} after") != f"before {shown} after"
    assert MASK in Redactor([secret]).text(shown)
    assert "canary" not in Redactor([secret]).text(shown)


@given(before=st.binary(max_size=5), after=st.binary(max_size=5), url=st.booleans(), secret=st.text(min_size=8))
def test_base64_is_found_wherever_the_secret_begins(before: bytes, after: bytes, url: bool, secret: str) -> None:
    try:
        raw = secret.encode()
    except UnicodeEncodeError:
        return
    encode = base64.urlsafe_b64encode if url else base64.b64encode
    shown = encode(before + raw + after).decode()
    assert MASK in Redactor([secret]).text(shown)


@given(st.text(min_size=8), st.text(), st.text())
def test_no_secret_is_left_verbatim(secret: str, before: str, after: str) -> None:
    cleaned = Redactor([secret]).text(before + secret + after)
    assert MASK in cleaned and secret not in cleaned.replace(MASK, "")


def test_a_secret_in_another_one_leaves_no_ends() -> None:
    cleaned = Redactor(["abcdefgh", "abcdefgh-longer-one"]).text("x abcdefgh-longer-one abcdefgh y")
    assert cleaned == f"x {MASK} {MASK} y"


def test_lines_of_a_key_are_found_one_by_one() -> None:
    pem = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nAbc\n-----END KEY-----\n"
    assert Redactor([pem]).text("line 2: MIIEvQIBADANBgkqhkiG9w0") == f"line 2: {MASK}"
    assert Redactor([pem]).text(pem.strip()) == MASK


def test_short_values_and_none_are_not_looked_for() -> None:
    for values in ([], ["short"], [" short "]):
        redactor = Redactor(values)
        event = started()
        assert not redactor
        assert redactor.text("a short text") == "a short text"
        assert redactor.event(event) is event
        value = {"a": ["short"]}
        assert redactor.json(value) is value  # type: ignore[comparison-overlap, arg-type]


def test_plain_data_is_cleaned_in_keys_and_values_and_else_left_alone() -> None:
    redactor = Redactor([KEY])
    assert redactor.json({f"k {KEY}": [1, None, {"v": KEY}], "n": 1.5}) == {
        f"k {MASK}": [1, None, {"v": MASK}],
        "n": 1.5,
    }
    value = {"a": [1, "x", {"b": None}]}
    assert redactor.json(value) is value  # type: ignore[comparison-overlap, arg-type]


def test_events_are_cleaned_through_and_through() -> None:
    redactor = Redactor([KEY])
    reply = ChatReply(f"it is {KEY}", "tool_calls", Usage(), (ToolCall("1", "send", f'{{"k": "{KEY}"}}'),))
    cleaned = redactor.event(finished(reply=reply))
    assert KEY not in repr(cleaned) and cleaned == finished(
        reply=ChatReply(f"it is {MASK}", "tool_calls", Usage(), (ToolCall("1", "send", f'{{"k": "{MASK}"}}'),))
    )
    tool = ToolIntended(1.0, "ask", 0, "1", "send", "f", {"k": [KEY]})
    assert redactor.event(tool) == ToolIntended(1.0, "ask", 0, "1", "send", "f", {"k": [MASK]})


def test_events_without_secrets_stay_the_same_object() -> None:
    event = StepFinished(1.0, "ask", {"a": [1, "x"]}, 0.1)
    assert Redactor([KEY]).event(event) is event


def test_what_results_are_looked_up_by_is_never_changed() -> None:
    event = StepFinished(1.0, "aaaaaaaaaa", "aaaaaaaaaa", 0.1)
    assert Redactor(["aaaaaaaaaa"]).event(event) == StepFinished(1.0, "aaaaaaaaaa", MASK, 0.1)
    label = ReplyChecked(1.0, "aaaaaaaaaa", 0, "aaaaaaaaaa", True, "check", "aaaaaaaaaa")
    assert Redactor(["aaaaaaaaaa"]).event(label) == replace(label, model=MASK)


@pytest.mark.parametrize("cut", range(1, len(KEY)))
def test_a_secret_cut_in_two_by_streaming_is_found(cut: int) -> None:
    redactor = Redactor([KEY])
    pieces = ["it is ", KEY[:cut], KEY[cut:], " indeed"]
    shown = [redactor.event(TextStreamed(1.0, "ask", 0, piece)) for piece in pieces]
    assert "".join(event.text for event in shown if isinstance(event, TextStreamed)) == f"it is {MASK} indeed"


def test_streams_do_not_mix_and_end_with_their_call() -> None:
    redactor = Redactor([KEY])

    def piece(text: str, turn: int) -> str:
        event = redactor.event(TextStreamed(1.0, "ask", turn, text))
        assert isinstance(event, TextStreamed)
        return event.text

    assert piece("a sk-012", 0) == "a "
    assert piece("3456", 1) == "3456"
    redactor.event(CallFailed(1.0, "ask", 0, 0, "m", "connection", "cut", 1.0))
    assert piece("x", 0) == "x"
