"""Foreign text cannot move a cursor, hide, or take more room than it is given."""

from __future__ import annotations

from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nano_flow.core.shown.printable import clip, columns, printable, printable_lines

TEXT = st.text(st.characters(exclude_categories=()), max_size=40)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("two  spaces\tand\nlines ", "two spaces and lines"),
        ("\x1b[2J\x07\x00", "\\x1b[2J\\x07\\x00"),
        ("a\u202eb\u2066c\ufeff", "a\\u202eb\\u2066c\\ufeff"),
        ("\x9b1A", "\\x9b1A"),
        ("\ud800", "\\ud800"),
        ("日本語 é 🙂", "日本語 é 🙂"),
        ("", ""),
    ],
)
def test_what_a_terminal_could_obey_is_spelt_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(TEXT)
def test_nothing_unsafe_is_left(text: str) -> None:
    line = printable(text)
    assert not {category(character) for character in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert printable(line) == line


@given(TEXT, st.integers(0, 30))
def test_clipped_text_fits(text: str, width: int) -> None:
    shown = clip(text, width)
    assert columns(shown) <= width
    if columns(printable(text)) <= width:
        assert shown == printable(text)


def test_wide_and_combining_characters_count_as_they_are_shown() -> None:
    assert (columns("日本"), columns("e\u0301"), columns("abc")) == (4, 1, 3)
    assert clip("日本語", 5) == "日本…"


def test_a_long_text_is_cut_before_it_is_looked_through() -> None:
    assert clip("x" * 10_000_000, 10) == "x" * 9 + "…"
    assert clip(" " * 10_000 + "x", 10) == "…"
    assert clip("text", 0) == ""


def test_lines_keep_their_indentation_and_nothing_unsafe() -> None:
    assert printable_lines("def f():\n\treturn 1\x1b[2J\n") == ["def f():", "    return 1\\x1b[2J"]
