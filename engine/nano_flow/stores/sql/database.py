"""What the SQL stores need of a database: statements, transactions, its clock, and its errors in our words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from nano_flow.core.errors import StoreError

Column = str | int | float | None
Row = sqlite3.Row
"""Rows answer to the names and to the numbers of their columns, whichever database they come from."""


class Cursor(Protocol):
    """The rows that a statement found."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""

    def fetchone(self) -> Row | None:
        """The next row; None at the end."""

    def fetchall(self) -> list[Row]:
        """All rows that are left."""

    def __iter__(self) -> Iterator[Row]: ...


class Database(Protocol):
    """One open connection. Statements mark their values with ``?``; nothing from outside is ever pasted into one."""

    @property
    def place(self) -> str:
        """Its path or address, for people; never with a password."""

    @property
    def newest(self) -> str:
        """The column of ``runs`` that grows with every row: it decides between runs of one moment."""

    @property
    def locking(self) -> str:
        """What a SELECT ends with whose rows nobody else may change before the transaction is over."""

    def skipping(self, table: str) -> str:
        """The same for rows of ``table``, where those that somebody else holds are left out instead of waited for."""

    def announce(self) -> None:
        """Wake whoever waits for news of this store, once the transaction is over."""

    def execute(self, sql: str, values: Sequence[Column] = ()) -> Cursor:
        """Do one statement; outside of a transaction it is one of its own."""

    def transaction(self) -> AbstractContextManager[None]:
        """All statements inside, or none."""

    def now(self) -> float:
        """Seconds since 1970 by the clock that leases of this store go by."""

    def told(self, error: Exception) -> StoreError:
        """``error`` in the words of its reader."""

    def guarded(self) -> AbstractContextManager[None]:
        """What the database raises leaves as StoreError."""

    def recovered(self, error: Exception) -> bool:
        """True where ``error`` was a lost connection and there is a new one; what was not committed may be repeated."""

    def close(self) -> None:
        """Let it go."""
