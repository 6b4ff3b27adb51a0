"""Questions that a run asks at a terminal: a real one, whose other end the test holds."""

from __future__ import annotations

import asyncio
import getpass
import os
import pty
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nano_flow.cli.asking import TerminalApprover
from nano_flow.core.events import ApprovalAnswered
from tests.cli.said import start

END = "\x04"
OPTIONS = ("publish", "private", "stop")
FLOW = """nano_flow: 1
name: flow
steps:
  ship: {approve: {message: Is this fine?, options: [publish, stop]}}
outputs: {said: "{{ steps.ship.output.decision }}"}
"""


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Types at the terminal that stdin is."""
    ours, theirs = pty.openpty()
    with open(theirs, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield lambda text: (os.write(ours, text.encode()), None)[1]
    os.close(ours)


def ask(schema: dict[str, Any] | None = None) -> ApprovalAnswered | None:
    return asyncio.run(TerminalApprover().ask("ship", "Read \x1b[2J it?", OPTIONS, schema))


@pytest.mark.parametrize(
    ("lines", "decision"),
    [("2\n", "private"), ("stop\n", "stop"), ("PUB\n", "publish"), ("9\n\np\n1\n", "publish"), (END, None)],
)
def test_an_answer_is_a_number_a_name_or_its_first_letters(
    typed: Callable[[str], None], lines: str, decision: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(lines)
    answer = ask()
    assert (answer and answer.decision) == decision
    said = capsys.readouterr().err
    assert "ship: Read \\x1b[2J it?\n  [1] publish   [2] private   [3] stop\n" in said
    assert said.count("type a number from 1 to 3, or a name") == lines.count("\n") - (decision is not None)


@pytest.mark.parametrize(
    ("schema", "lines", "given", "said"),
    [
        ({"type": "string"}, "1\n1.2\n", "1.2", "input (text): "),
        ({"type": "integer"}, '1\nx\n"7"\n7\n', 7, 'input (JSON for {"type": "integer"}): '),
    ],
)
def test_an_input_is_asked_for_until_it_fits(
    typed: Callable[[str], None],
    schema: dict[str, Any],
    lines: str,
    given: Any,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    typed(lines)
    answer = ask(schema)
    assert answer is not None and (answer.decision, answer.input) == ("publish", given)
    assert capsys.readouterr().err.count(said) == lines.count("\n") - 1


def test_the_end_of_input_is_no_answer_although_a_choice_was_made(typed: Callable[[str], None]) -> None:
    typed("1\n" + END)
    assert ask({"type": "string"}) is None


def test_an_answer_has_a_name_also_where_the_system_knows_none(
    typed: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError("uid 1234")

    monkeypatch.setattr(getpass, "getuser", nobody)
    typed("1\n")
    answer = ask()
    assert answer is not None and answer.by == "terminal"


@pytest.mark.parametrize(("more", "code", "said"), [([], 0, "publish"), (["--no-input"], 6, "nano-flow approvals")])
def test_a_run_at_a_terminal_asks_there_unless_it_may_not(
    tmp_path: Path, more: list[str], code: int, said: str
) -> None:
    (tmp_path / "flow.yaml").write_text(FLOW)
    ours, theirs = pty.openpty()
    os.write(ours, b"publish\n")
    run = start(tmp_path, "run", "flow.yaml", "--offline", *more, env={"TERM": "dumb"}, stdin=theirs, stderr=theirs)
    out, _ = run.communicate(timeout=60)
    os.close(theirs)
    heard = os.read(ours, 65_536).decode()
    os.close(ours)
    assert (run.returncode, "your choice:" in heard, said in out) == (code, not more, True), heard
