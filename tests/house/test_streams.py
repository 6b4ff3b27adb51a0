"""Standard streams that fail: a reader that has left, a full disk, streams that were closed, a folder that is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HELP = [sys.executable, "-m", "nano_flow", "--help"]


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run ``script`` under bash, ``$HELP`` being a command of ours that prints."""
    environment = {**os.environ, "HELP": " ".join(HELP)}
    command = ["bash", "-c", script]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


def test_a_reader_that_leaves_is_told_nothing(tmp_path: Path) -> None:
    done = shell("$HELP | true; exit ${PIPESTATUS[0]}", tmp_path)
    assert done.returncode in (0, 1)
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_said_in_one_sentence(tmp_path: Path) -> None:
    done = shell("$HELP > /dev/full", tmp_path)
    assert (done.returncode, done.stderr) == (1, "error: the output cannot be written: No space left on device\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_no_harm(closed: str, tmp_path: Path) -> None:
    done = shell(f"$HELP {closed}", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    done = shell("mkdir gone && cd gone && rmdir ../gone && $HELP", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "does not exist any more" in done.stderr
