"""The PostgreSQL store through pgbouncer in transaction mode: what one statement says is gone with its transaction."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from nano_flow.contracts.journal import JournalContract
from nano_flow.contracts.queue import QueueContract
from nano_flow.contracts.samples import run_record
from nano_flow.contracts.store import StoreContract
from nano_flow.ports import Journal
from nano_flow.ports.store import Store
from tests.stores.postgres import server

psycopg = pytest.importorskip("psycopg", reason="the extra postgres is not installed")

CONFIG = """[databases]
nf = host={host} port={port} dbname={database} user={user}{password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
logfile = {folder}/log
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def pooled() -> Iterator[tuple[str, str]]:
    """The address through the pooler, and the one past it, of a database that is dropped afterwards."""
    program = shutil.which("pgbouncer")
    if program is None:
        pytest.skip("pgbouncer is not installed: apt-get install pgbouncer")
    url, name, listen = server(), f"nf_{uuid.uuid4().hex[:12]}", free_port()
    parts = urlsplit(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)  # it refuses to run as root, and another user has to read this
    password = f" password={parts.password}" if parts.password else ""
    values = {"host": parts.hostname, "port": parts.port or 5432, "user": parts.username, "password": password}
    (folder / "ini").write_text(CONFIG.format(database=name, listen=listen, folder=folder, **values))
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen([program, "-q", *user, str(folder / "ini")], stderr=subprocess.PIPE)
    through = f"postgresql://{parts.username}@127.0.0.1:{listen}/nf"
    try:
        wait_for(through, process)
        yield f"{through}?pgbouncer=true", parts._replace(path=f"/{name}").geturl()
    finally:
        process.kill()
        process.communicate()
        shutil.rmtree(folder)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        try:
            psycopg.connect(url, connect_timeout=2).close()
            return
        except psycopg.OperationalError as error:
            if process.poll() is not None:
                pytest.skip(f"pgbouncer does not start here: {error}")
            time.sleep(0.1)
    pytest.skip("pgbouncer does not answer")


class _Through:
    url = ""

    @pytest.fixture(autouse=True)
    def _empty(self, pooled: tuple[str, str]) -> None:
        self.url, past = pooled
        with psycopg.connect(past, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")

    def opened(self) -> Store:
        from nano_flow.stores.postgres.store import PostgresStore

        return PostgresStore(self.url)


class TestPooledStore(_Through, StoreContract, QueueContract):
    def store(self, folder: Path) -> Store:
        return self.opened()


class TestPooledJournal(_Through, JournalContract):
    def first_life(self, folder: Path) -> Journal:
        return self.opened().create_run(run_record())

    def next_life(self, earlier: Journal, folder: Path) -> Journal:
        return self.opened().reopen_run("r1")[1]
