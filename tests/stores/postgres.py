"""A PostgreSQL server for tests: the one that is named or runs here; each test gets a schema of its own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest

VARIABLE = "NANO_FLOW_TEST_POSTGRES"
"""The address of a server whose user may make schemas and databases."""
_USUAL = "postgresql://postgres@127.0.0.1:5432/postgres"


def server() -> str:
    """The address of the server. Skips the test, with a plain message, where there is none."""
    psycopg = pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    url = os.environ.get(VARIABLE, _USUAL)
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL answers at {url.rpartition('@')[2]}: name one in {VARIABLE} ({error})")
    return url


@pytest.fixture
def schema_url() -> Iterator[str]:
    """The address of a schema that is dropped after the test."""
    import psycopg

    url, name = server(), f"nf_{uuid.uuid4().hex[:12]}"
    yield f"{url}{'&' if '?' in url else '?'}application_name={name}&schema={name}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
