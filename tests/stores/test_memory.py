"""The journal in memory keeps the contract of all journals."""

from __future__ import annotations

from pathlib import Path

from nano_flow.contracts.journal import JournalContract
from nano_flow.ports import Journal
from nano_flow.stores.memory import MemoryJournal


class TestMemoryJournal(JournalContract):
    def first_life(self, folder: Path) -> Journal:
        return MemoryJournal()

    def next_life(self, earlier: Journal, folder: Path) -> Journal:
        assert isinstance(earlier, MemoryJournal)
        return MemoryJournal(earlier.events)
