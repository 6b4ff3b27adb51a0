"""What PostgreSQL says, in the words of its reader."""

from __future__ import annotations

import psycopg

from nano_flow.core.errors import StoreError
from nano_flow.stores.postgres.address import Address

_ADVICE = {
    "28P01": "the password was refused ({text}); check the address in NANO_FLOW_STORE",
    "28000": "the server refused this user ({text}); check the address, and pg_hba.conf of the server",
    "3D000": "there is no such database ({text}); make it with createdb, or name another one",
    "42501": "the user may not do this ({text}); grant it CREATE on the schema, or make the store as its owner",
    "53100": 'the disk of the server is full; free some space, then go on with "nano-flow resume"',
    "53300": "the server takes no more connections ({text}); raise max_connections, or put pgbouncer before it",
    "25006": "the server only reads ({text}); name the one that writes",
    "57014": "the server gave the statement up ({text}); try again",
}
"""By SQLSTATE: sentences of the server differ by its language."""


def store_error(address: Address, error: Exception) -> StoreError:
    """``error`` as a StoreError that never holds the password."""
    text = " ".join(str(error).split())
    if address.password:
        text = text.replace(address.password, "***")
    state = getattr(error, "sqlstate", None)
    if state in _ADVICE:
        return StoreError(address.place, _ADVICE[state].format(text=text))
    if isinstance(error, psycopg.OperationalError):
        return StoreError(address.place, f"the server cannot be reached ({text}); check that it runs, and its address")
    if isinstance(error, psycopg.Error):
        return StoreError(address.place, f"the store cannot be used: {text}")
    return StoreError(address.place, f"the run cannot be stored: {text}")
