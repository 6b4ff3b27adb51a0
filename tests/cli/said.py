"""A command line, run in this process, and what it printed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nano_flow.cli.main import run_command


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
