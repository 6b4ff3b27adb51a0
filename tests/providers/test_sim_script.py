"""Scripted replies: which one is due for an address, a turn and an attempt."""

from __future__ import annotations

import json

import pytest

from nano_flow.core.errors import BadRequest
from nano_flow.core.messages import ChatRequest, Json
from nano_flow.core.refs import ModelRef
from nano_flow.providers.simulated.script import Script, Scripted


def due(script: dict[str, Json], address: str, turn: int = 0, attempt: int = 0) -> Scripted | None:
    return Script(script).due(ChatRequest(ModelRef("sim", "small"), (), address=address, turn=turn, attempt=attempt))


def text(script: dict[str, Json], address: str, turn: int = 0, attempt: int = 0) -> str:
    found = due(script, address, turn, attempt)
    assert found is not None
    return found.text


def test_an_unscripted_step_has_none() -> None:
    assert due({"other": "x"}, "review") is None


def test_text_and_data() -> None:
    assert text({"a": "plain"}, "a") == "plain"
    assert json.loads(text({"a": {"files": ["x"]}}, "a")) == {"files": ["x"]}
    assert text({"a": "again"}, "a[7]", turn=3) == "again"


def test_samples_go_by_sample_and_count_as_no_execution() -> None:
    script = Script({"a": [{"samples": ["one", "two"]}, {"turns": [{"samples": ["three", {"error": "timeout"}]}]}]})

    def at(sample: int) -> Scripted | None:
        return script.due(ChatRequest(ModelRef("sim", "small"), (), address="a", sample=sample))

    assert [at(0), at(1), at(2), at(0)] == [Scripted("one"), Scripted("two"), Scripted("two"), Scripted("three")]
    failing = at(1)
    assert failing is not None and failing.fault is not None


@pytest.mark.parametrize(("address", "expected"), [("r[0]", "one"), ("r[1]", "two"), ("r[5]", "two"), ("r", "one")])
def test_a_list_goes_by_item_and_its_last_entry_goes_on(address: str, expected: str) -> None:
    assert text({"r": ["one", "two"]}, address) == expected


def test_nested_lists_follow_every_index_and_a_last_list_does_not_go_on() -> None:
    script: dict[str, Json] = {"epics.build.code": [["a0", "a1"], ["b0", "b1"]]}
    assert text(script, "epics[1].build[0].code") == "b0"
    assert text(script, "epics[0].build[9].code") == "a1"
    with pytest.raises(BadRequest, match="execution 3"):
        due(script, "epics[2].build[0].code")


def test_an_exact_address_wins() -> None:
    assert text({"r": "all", "r[1]": "second"}, "r[1]") == "second"


def test_turns_and_attempts() -> None:
    script: dict[str, Json] = {
        "r": {
            "turns": [
                {"calls": [{"tool": "read_file", "with": {"path": "a.py"}, "result": "x"}, {"tool": "list"}]},
                {"attempts": [{"error": "rate_limit"}, "after the second try"]},
            ]
        }
    }
    first = due(script, "r")
    assert first is not None
    assert [(c.id, c.name, c.arguments) for c in first.calls] == [
        ("call_0_0", "read_file", '{"path": "a.py"}'),
        ("call_0_1", "list", "{}"),
    ]
    failed = due(script, "r", turn=1)
    assert failed is not None
    assert failed.fault is not None
    assert failed.fault.name == "rate_limit"
    assert text(script, "r", turn=1, attempt=1) == "after the second try"
    assert text(script, "r", turn=9, attempt=9) == "after the second try"


def test_reply_escapes_and_other_keys_make_it_data() -> None:
    assert json.loads(text({"a": {"reply": {"turns": [1]}}}, "a")) == {"turns": [1]}
    assert json.loads(text({"a": {"error": "x", "line": 3}}, "a")) == {"error": "x", "line": 3}


@pytest.mark.parametrize("bad", [{"turns": 1}, {"calls": "x"}, {"calls": [{"with": {}}]}, []])
def test_a_broken_script_says_what_is_wrong(bad: Json) -> None:
    with pytest.raises(BadRequest, match="script"):
        due({"a": bad}, "a")


def test_unused_replies_are_named() -> None:
    script = Script({"a": ["x", "y"], "b": "z", "c": "w"})
    for address in ("a[0]", "c"):
        script.due(ChatRequest(ModelRef("sim", "small"), (), address=address))
    assert script.unused() == ["a[1]", "b"]


def test_judges_are_not_scripted() -> None:
    request = ChatRequest(ModelRef("sim", "small"), (), address="a", purpose="judge")
    assert Script({"a": "text"}).due(request) is None
