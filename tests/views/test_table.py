"""Tables fit, whatever is in them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nano_flow.core.shown.printable import columns
from nano_flow.views.table import Column, clip_end, table

HEADS = (Column("name", least=6), Column("why", rank=2), Column("cost", rank=1, right=True), Column("note", rank=3))


def test_columns_are_as_wide_as_what_is_in_them() -> None:
    assert table(HEADS, [["a", "b", "1", ""], ["abc", "", "12", ""]], 80) == [
        "name  why  cost",
        "a     b       1",
        "abc          12",
    ]


def test_the_least_important_goes_first() -> None:
    row = ["n" * 10, "w" * 10, "c" * 10, "x" * 10]
    assert table(HEADS, [row], 46)[0].split() == ["name", "why", "cost", "note"]
    assert table(HEADS, [row], 30)[0].split() == ["name", "why", "cost"]
    assert table(HEADS, [row], 18)[0].split() == ["name", "cost"]
    assert table(HEADS, [row], 8) == ["name", "nnnnnnn…"]


def test_columns_that_are_never_dropped_are_cut() -> None:
    heads = (Column("a", least=5), Column("b", least=5))
    assert table(heads, [["x" * 9, "y" * 9]], 8) == ["a      b", "xxxx…  …"]


@given(st.lists(st.lists(st.text(max_size=30), min_size=4, max_size=4), max_size=4), st.integers(0, 90))
def test_no_line_is_too_wide(rows: list[list[str]], width: int) -> None:
    assert all(columns(line) <= width for line in table(HEADS, rows, width))


def test_an_end_that_does_not_fit_is_marked() -> None:
    assert (clip_end("abc", 3), clip_end("abcd", 3), clip_end("日本語", 3), clip_end("abc", 0)) == (
        "abc",
        "ab…",
        "日…",
        "",
    )
