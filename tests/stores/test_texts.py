"""Texts of prompts: whatever their sizes and however many a commit has, each comes back as it was."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from nano_flow.core.events import PromptSent
from nano_flow.stores.sql.texts import Texts, read, write
from nano_flow.stores.sqlite.store import open_store

SIZES = (0, 1, 60, 1_000, 2_047, 2_048, 4_095, 4_096, 20_000, 40_000, 70_000)
"""Around the bounds of windows, and beyond the largest one."""


def _text(size: int, number: int) -> str:
    return "".join(f"word{(place * 7919 + number) % 997} " for place in range(size // 8 + 1))[:size]


def test_texts_of_all_sizes_come_back(tmp_path: Path) -> None:
    messages = tuple(_text(size, number) + f"é{number}\ud800" for size in SIZES for number in range(2))
    with closing(open_store(tmp_path).opened()) as database:
        event, rows = Texts().taken(PromptSent(1.0, "a", 0, messages))
        again, more = Texts().taken(PromptSent(2.0, "a[1]", 0, messages[::-1]))  # as differences to others
        for each in (rows, more):
            with database.transaction():
                write(database, each)
        assert tuple(read(database, event.messages).values()) == messages
        assert tuple(read(database, again.messages).values()) == messages[::-1]


def test_a_commit_may_hold_many_texts_and_one_of_them_twice(tmp_path: Path) -> None:
    texts, rows = Texts(), []
    for number in range(200):
        rows += texts.taken(PromptSent(float(number), f"a[{number}]", 0, (f"item {number}",)))[1]
        if number == 150:
            texts.forget()  # from here on all counts as new
    said = ("item 0", "item 199", "item 3")
    texts.forget()
    first, twice = texts.taken(PromptSent(500.0, "a", 0, said[::-1]))  # item 0 as a difference to item 3
    with closing(open_store(tmp_path).opened()) as database:
        with database.transaction():
            write(database, [*rows, *twice, *twice])
        assert tuple(database.execute("SELECT count(*) FROM marks").fetchone()) == (200,)
        assert read(database, first.messages) == dict(zip(first.messages, said[::-1], strict=True))
