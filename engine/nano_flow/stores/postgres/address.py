"""Where a PostgreSQL store is: its address, with the two settings of ours taken out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from nano_flow.core.errors import UsageError

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_IDLE_MS = 30_000
"""A process that is stopped inside a transaction must not keep its locks for longer than its lease."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address for libpq. ``schema`` holds the tables; ``pooled`` is true behind pgbouncer's transaction mode."""

    url: str
    place: str
    schema: str = ""
    pooled: bool = False
    password: str = ""

    @property
    def channel(self) -> str:
        """Where those who wait for news listen; a name has at most 63 bytes."""
        return f"nano_flow_{self.schema}"[:63]

    @property
    def options(self) -> str:
        """What each connection asks the server for; a pooler takes no such wishes."""
        if self.pooled:
            return ""
        path = f" -c search_path={self.schema}" if self.schema else ""
        return f"-c idle_in_transaction_session_timeout={_IDLE_MS}{path}"


def read_address(url: str) -> Address:
    """``postgresql://user@host/database?schema=runs&pgbouncer=true``, and what libpq knows. Raises UsageError."""
    try:
        parts = urlsplit(url)
        place = f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
    except ValueError as error:
        raise UsageError(f"the address of the store cannot be read: {error}") from None
    given = parse_qsl(parts.query, keep_blank_values=True)
    ours = {name: value for name, value in given if name in ("schema", "pgbouncer")}
    rest = urlencode([(name, value) for name, value in given if name not in ours])
    schema, pooled = ours.get("schema", ""), ours.get("pgbouncer", "false").lower() in ("1", "true", "yes")
    if schema and not _NAME.fullmatch(schema):
        raise UsageError(f'"{schema}" is no name of a schema: lower-case letters, digits and "_", not more than 63')
    if schema and pooled:
        raise UsageError(
            "behind pgbouncer a connection cannot choose its schema: leave schema= out of the address, and name it "
            "for the role: ALTER ROLE … SET search_path = …"
        )
    bare = urlunsplit((parts.scheme, parts.netloc, parts.path, rest, ""))
    shown = f"{place}?schema={schema}" if schema else place
    return Address(bare, shown, schema, pooled, parts.password or "")
