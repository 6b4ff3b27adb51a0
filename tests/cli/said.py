"""A command line, run in this process or in one of its own, and what it printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nano_flow.cli.main import run_command


def start(folder: Path, *words: str, env: Mapping[str, str] | None = None, **streams: Any) -> subprocess.Popen[str]:
    """A command line in a process of its own, started in ``folder``; nothing is typed, what is printed is kept."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **(env or {})}
    return subprocess.Popen([sys.executable, "-m", "nano_flow", *words], cwd=folder, env=environ, text=True, **pipes)


class Said:
    """Runs command lines; ``out`` and ``err`` are what the latest printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str, code: int = 0) -> str:
        assert run_command(words) == code, self._capsys.readouterr()
        self.out, self.err = self._capsys.readouterr()
        return self.out

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self(*words, "--json", code=code))
