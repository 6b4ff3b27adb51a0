"""The help of every command, as it was agreed: a change shows here first. UPDATE_HELP=1 writes the new text."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from nano_flow.cli.frame.group import Frame
from nano_flow.cli.main import COMMANDS, run_command

SNAPSHOTS = Path(__file__).parent / "help"
FRAME = Frame(COMMANDS, help="")


def commands() -> list[tuple[str, ...]]:
    """Every command and every command inside one, as words; the frame itself is no word."""

    def inside(words: tuple[str, ...], command: click.Command) -> Iterator[tuple[str, ...]]:
        yield words
        if isinstance(command, click.Group):
            for name, inner in command.commands.items():
                yield from inside((*words, name), inner)

    context = click.Context(FRAME)
    found = [()]
    for name in FRAME.list_commands(context):
        command = FRAME.get_command(context, name)
        assert command is not None
        found += inside((name,), command)
    return found


ALL = commands()


def help_of(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    """What ``nano-flow WORDS --help`` prints."""
    assert run_command([*words, "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_is_as_agreed(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(words, capsys)
    snapshot = SNAPSHOTS / f"{'-'.join(('nano-flow', *words))}.txt"
    if os.environ.get("UPDATE_HELP"):
        SNAPSHOTS.mkdir(exist_ok=True)
        snapshot.write_text(text, encoding="utf-8")
    assert text == snapshot.read_text(encoding="utf-8")


@pytest.mark.parametrize("words", [words for words in ALL if len(words) < 2], ids=" ".join)
def test_help_has_examples_and_fits_a_terminal(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(words, capsys)
    _, found, examples = text.partition("Examples:\n")
    assert found
    assert "nano-flow" in examples.splitlines()[0]
    assert max(map(len, text.splitlines())) <= 100


def test_no_snapshot_is_left_over() -> None:
    names = {f"{'-'.join(('nano-flow', *words))}.txt" for words in ALL}
    assert {path.name for path in SNAPSHOTS.glob("*.txt")} == names


def test_the_summary_of_a_command_says_what_its_help_says() -> None:
    context = click.Context(FRAME)
    for name, entry in FRAME.entries().items():
        command = FRAME.get_command(context, name)
        assert command is not None
        assert command.help, name
        assert entry.summary.endswith(".")
