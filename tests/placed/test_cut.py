"""Random kills, stops and cuts in the middle of fan-outs over PostgreSQL: paid is distinct but for calls in flight."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.said import start
from tests.integration.billing_server import billing_server, write_project
from tests.placed.test_killed import ITEMS, WORKFLOW, check_paid, ended, notices, store_of, until, working
from tests.stores.postgres import schema_url

__all__ = ["schema_url"]

LONG = bool(os.environ.get("NANO_FLOW_LONG"))
SEEDS = range(50 if LONG else 5)


def cut_connections(url: str) -> None:
    """What a proxy that dies, or a network that is gone, does to every connection of this store."""
    import psycopg

    name = url.partition("application_name=")[2].partition("&")[0]
    with psycopg.connect(url.partition("?")[0], autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
            " AND pid <> pg_backend_pid()",
            (name,),
        )


@pytest.mark.parametrize("seed", SEEDS)
def test_outputs_are_as_ever_and_nothing_is_paid_twice(tmp_path: Path, schema_url: str, seed: int) -> None:
    chance = random.Random(seed)
    environ = {"NANO_FLOW_STORE": schema_url, "NANO_FLOW_LEASE": "3", "LOOP_KEY": "sk-loop-1234567890"}
    how = ("kill", "stop", "cut")[seed % 3] if not LONG else chance.choice(("kill", "stop", "cut"))
    with billing_server() as (url, bill):
        bill.delay_s = 0.2
        write_project(tmp_path, url, WORKFLOW)
        with working(tmp_path, environ, 2) as workers:
            process = start(tmp_path, "run", "w.yaml", env=environ)
            enough = chance.randrange(1, ITEMS - 2)
            until(lambda: len(bill.rows) >= enough)
            time.sleep(chance.random() * 0.3)
            _harm(how, workers[0], schema_url)
            code, said = ended(process)
            assert code == 0, said
            if how == "stop":
                os.kill(workers[0].pid, signal.SIGCONT)
                time.sleep(0.5)
        check_paid(bill, store_of(tmp_path, environ))
        if how == "cut":
            assert not [one for one in notices(store_of(tmp_path, environ)) if "is unknown since" in one]


def _harm(how: str, worker: subprocess.Popen[str], url: str) -> None:
    if how == "cut":
        cut_connections(url)
    else:
        os.kill(worker.pid, signal.SIGKILL if how == "kill" else signal.SIGSTOP)
