"""A connection to PostgreSQL, as the SQL stores want one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Protocol, SupportsIndex, cast

import psycopg
from psycopg import sql as queries
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.rows import RowMaker

from nano_flow.core.errors import StoreError
from nano_flow.stores.postgres.address import Address
from nano_flow.stores.postgres.errors import store_error
from nano_flow.stores.sql.database import Column, Cursor

CONNECT_SECONDS = 10
RETRY_SECONDS = 25.0
"""How long a lost connection is tried for: less than a lease lasts."""
_POOLED_LOOK_S = 2.0
_PAUSES = (0.05, 0.2, 0.5, 1.0, 2.0)


class Values(tuple[object, ...]):
    """One row, by number and by name, as a row of SQLite is."""

    names: dict[str, int]

    def __getitem__(self, key: SupportsIndex | slice | str) -> object:  # type: ignore[override]
        return tuple.__getitem__(self, self.names[key] if isinstance(key, str) else key)


class _Described(Protocol):
    @property
    def description(self) -> Sequence[psycopg.Column] | None: ...


def named_rows(cursor: _Described) -> RowMaker[Values]:
    """Rows of ``Values``; the names are read once for a statement."""
    names = {column.name: number for number, column in enumerate(cursor.description or ())}
    kind = type("Row", (Values,), {"names": names})
    return cast(RowMaker[Values], kind)


class _Number(Loader):
    """Sums of whole numbers stay whole, whatever their size; means become floats."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data).decode("ascii")
        return int(text) if text.lstrip("-").isdigit() else float(text)


class PostgresDatabase:
    """One open connection; its clock is the server's."""

    newest = "number"
    locking = " FOR UPDATE"

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection = _connected(address)
        self._listening = False

    @property
    def place(self) -> str:
        """The address without the password."""
        return self._address.place

    @property
    def usable(self) -> bool:
        """False once the connection is lost."""
        return not self._connection.closed

    def skipping(self, table: str) -> str:
        """Rows of ``table`` that nobody else may take before the transaction is over."""
        return f" FOR UPDATE OF {table} SKIP LOCKED"

    def announce(self) -> None:
        """Wake those who listen, when the transaction is over; no more than that something is new is said."""
        self._connection.execute("SELECT pg_notify(%s, '')", (self._address.channel,))

    def heard(self, seconds: float) -> bool:
        """Wait for an announcement on this connection, at the latest until ``seconds`` are over."""
        if self._address.pooled:
            time.sleep(min(seconds, _POOLED_LOOK_S))
            return False
        if not self._listening:
            self._connection.execute(queries.SQL("LISTEN {}").format(queries.Identifier(self._address.channel)))
            self._listening = True
        return next(self._connection.notifies(timeout=seconds, stop_after=1), None) is not None

    def execute(self, sql: str, values: Sequence[Column] = ()) -> Cursor:
        """Do one statement."""
        cursor = self._connection.execute(_translated(sql), [_plain(value) for value in values])
        return cast(Cursor, cursor)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside, or none; whoever watches the store learns of it afterwards."""
        with self._connection.transaction():
            yield
        with suppress(psycopg.errors.UndefinedTable):  # a store that is only being made
            self._connection.execute("SELECT nextval('nano_flow_changes')")

    def now(self) -> float:
        """The server's time: machines disagree about theirs."""
        row = self._connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
        return float(str(row[0])) if row is not None else 0.0

    def told(self, error: Exception) -> StoreError:
        """``error`` in the words of its reader."""
        return store_error(self._address, error)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """What PostgreSQL raises leaves as StoreError."""
        try:
            yield
        except (psycopg.Error, OSError, OverflowError) as error:
            raise self.told(error) from error

    def recovered(self, error: Exception) -> bool:
        """True where the connection was lost and there is a new one. Blocks while it is tried for."""
        if not isinstance(error, psycopg.OperationalError) or self.usable:
            return False
        deadline, tries = time.monotonic() + RETRY_SECONDS, 0
        while time.monotonic() < deadline:
            with suppress(psycopg.Error, OSError):
                self._connection = _connected(self._address)
                return True
            time.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1
        return False

    def close(self) -> None:
        """Let it go."""
        self._connection.close()


def _connected(address: Address) -> psycopg.Connection[Values]:
    connection = psycopg.connect(
        address.url,
        autocommit=True,
        prepare_threshold=None if address.pooled else 5,
        row_factory=named_rows,
        connect_timeout=CONNECT_SECONDS,
        fallback_application_name="nano-flow",
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        options=address.options or None,
    )
    connection.adapters.register_loader("numeric", _Number)
    return connection


@lru_cache(maxsize=512)
def _translated(sql: str) -> bytes:
    """Statements are written with ``?``; no text inside one of ours holds that sign."""
    return sql.replace("%", "%%").replace("?", "%s").encode("ascii")


def _plain(value: Column) -> Column:
    """PostgreSQL keeps no NUL in a text; JSON bodies hold it escaped already."""
    return value.replace("\0", "\\x00") if isinstance(value, str) and "\0" in value else value
