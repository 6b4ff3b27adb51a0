"""``kill -9`` of nano-flow: what it had started does not survive it."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.cli.said import start

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who descends from whom")
PLAIN = "echo $$ > pid; mv pid child; sleep 60"
DAEMON = "setsid sh -c 'echo $$ > pid; mv pid child; sleep 60' & sleep 60"


def alive(pid: str) -> bool:
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.parametrize("script", [PLAIN, DAEMON])
def test_no_command_survives_its_owner(tmp_path: Path, script: str) -> None:
    (tmp_path / "script.sh").write_text(script)
    (tmp_path / "w.yaml").write_text("nano_flow: 1\nname: w\nsteps: {a: {run: [sh, script.sh]}}\n")
    with start(tmp_path, "run", "w.yaml") as run:
        until = time.monotonic() + 30
        while not (tmp_path / "child").exists():
            assert time.monotonic() < until and run.poll() is None
        child = (tmp_path / "child").read_text().strip()
        assert alive(child)
        os.kill(run.pid, signal.SIGKILL)
        run.communicate(timeout=30)
    until = time.monotonic() + 10
    while alive(child):
        assert time.monotonic() < until
