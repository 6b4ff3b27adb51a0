"""Stores as releases left them, as SQL text: what was paid under an old release is not paid again under this one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = "{{folder}}"
"""Stands in the texts for the folder that the release ran in."""


def write(database: Path, into: Path, folder: Path) -> None:
    """Keep ``database`` as SQL text, without the name of ``folder``."""
    with sqlite3.connect(database) as db:
        marks = [f"PRAGMA {name} = {db.execute(f'PRAGMA {name}').fetchone()[0]};" for name in _MARKS]
        text = "\n".join([*marks, *db.iterdump()])
    into.write_text(text.replace(str(folder), FOLDER) + "\n", encoding="utf-8")


def restore(release: str, folder: Path) -> Path:
    """Put the store, the cache and the files of ``release`` into ``folder``; returns the folder of its state."""
    state = folder / "state"
    state.mkdir()
    for kept in (HERE / release).iterdir():
        if kept.suffix != ".sql":
            (folder / kept.name).write_bytes(kept.read_bytes())
            continue
        with sqlite3.connect(state / f"{kept.stem}.db") as db:
            db.executescript(kept.read_text(encoding="utf-8").replace(FOLDER, str(folder)))
    return state


_MARKS = ("application_id", "user_version")
