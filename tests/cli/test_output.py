"""Printing: streams, colours, foreign text, narrow terminals."""

from __future__ import annotations

import io
import json
import sys

import click
import pytest

from nano_flow.cli import output
from nano_flow.cli.common import Options, give


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError("no file behind it")


@pytest.fixture
def context() -> click.Context:
    return click.Context(click.Command("x"))


def test_control_characters_of_foreign_text_are_spelt_out() -> None:
    assert output.clean("a\x1b[31mred\x07\x9b1m\tb\nc") == "a\\x1b[31mred\\x07\\x9b1m\tb\nc"
    assert output.clean("user\u202eexe") == "user\\u202eexe"


def test_one_line_is_cut_with_an_ellipsis() -> None:
    assert output.one_line("a\n  b\x00 c", 6) == "a b\\x…"
    assert output.one_line("abc", 3) == "abc"


def test_colours_follow_the_option_then_no_color_then_the_terminal(
    context: click.Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with context:
        assert output.style("x", "good") == "\x1b[32mx\x1b[0m"
        monkeypatch.setenv("NO_COLOR", "1")
        assert output.style("x", "good") == "x"
        give(context, color="always")
        assert output.style("x", "good") == "\x1b[32mx\x1b[0m"
        give(context, color="never")
        monkeypatch.delenv("NO_COLOR")
        assert output.style("x", "good") == "x"


def test_a_pipe_is_never_coloured_by_itself(context: click.Context, capsys: pytest.CaptureFixture[str]) -> None:
    with context:
        output.warn("careful")
    assert capsys.readouterr().err == "warning: careful\n"


@pytest.mark.parametrize(("verbosity", "said"), [(-1, ""), (0, "normal\n"), (1, "normal\nmore\n")])
def test_notes_follow_verbosity(
    verbosity: int, said: str, context: click.Context, capsys: pytest.CaptureFixture[str]
) -> None:
    give(context, verbosity=verbosity)
    with context:
        output.note("normal")
        output.note("more", level=1)
    assert capsys.readouterr() == ("", said)


def test_a_document_begins_with_its_schema_and_refuses_what_json_has_not(capsys: pytest.CaptureFixture[str]) -> None:
    output.document("nano-flow/x@1", {"text": "ü\x1b"})
    printed = capsys.readouterr().out
    assert json.loads(printed) == {"schema": "nano-flow/x@1", "text": "ü\x1b"}
    assert "\x1b" not in printed
    with pytest.raises(ValueError):
        output.document("nano-flow/x@1", {"n": float("nan")})


def test_a_table_fits_a_narrow_terminal_and_keeps_everything_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [("review", "x" * 50, "1"), ("a", "short", "100")]
    monkeypatch.setenv("COLUMNS", "80")
    wide = output.table(("step", "what", "n"), [("a", "x" * 100, "1")], right=("n",))
    assert "x" * 100 in wide
    monkeypatch.setenv("COLUMNS", "40")
    assert max(map(len, output.table(("step", "what", "n"), rows, right=("n",)).splitlines())) <= 40
    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    narrow = output.table(("step", "what", "n"), rows * 1, right=("n",)).splitlines()
    assert max(map(len, narrow)) <= 80
    monkeypatch.setenv("COLUMNS", "40")
    narrow = output.table(("step", "what", "n"), rows, right=("n",)).splitlines()
    assert max(map(len, narrow)) <= 40
    assert narrow[2].endswith("100")
    monkeypatch.setenv("COLUMNS", "18")
    assert output.table(("step", "what", "n"), rows, right=("n",)).splitlines()[1].split()[0] == "review"
    assert output.table(("step", "what", "n"), rows, right=("n",), drop=("what",)).splitlines()[1].split() == [
        "review",
        "1",
    ]


def test_text_that_the_stream_cannot_encode_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    output.data("→ ok")
    stream.flush()
    assert raw.getvalue() == b"\\u2192 ok\n"


def test_nobody_is_asked_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Options().may_ask
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("sys.stderr", Terminal())
    assert Options().may_ask
    assert not Options(no_input=True).may_ask
    assert not Options(json=True).may_ask


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8"])
def test_json_is_utf_8_whatever_the_terminal_is(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    output.document("x@1", {"said": "héllo 😀 \udc80"})
    output.event_line({"said": "é"})
    first, second = raw.getvalue().decode("utf-8").split("\n}\n")
    assert json.loads(f"{first}\n}}")["said"] == "héllo 😀 \udc80"
    assert json.loads(second) == {"said": "é"}
