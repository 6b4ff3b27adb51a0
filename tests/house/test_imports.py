"""Heavy packages are imported only by who uses them: a cold start stays small."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT

_PROBE = """
import sys
from nano_flow.cli.main import run_command
code = run_command(sys.argv[2:])
names = sys.argv[1].split(",")
print("loaded:", ",".join(name for name in names if name in sys.modules), "code:", code)
"""
HEAVY = "litellm,openai,networkx,rich,jsonschema,sqlite3,asyncio"
QUICKSTART = str(ROOT / "workflows" / "quickstart.yaml")


def loaded(arguments: list[str], names: str, folder: Path) -> str:
    """What of ``names`` a command line has imported, and its exit code."""
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, names, "--state-dir", str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
    )
    return done.stdout.rsplit("loaded:", 1)[-1].strip() if done.returncode == 0 else done.stderr


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    assert loaded(["--help"], HEAVY + ",pydantic,yaml,jinja2", tmp_path) == "code: 0"


def test_validate_imports_neither_networkx_nor_jsonschema(tmp_path: Path) -> None:
    assert loaded(["validate", QUICKSTART], "litellm,openai,networkx,rich,jsonschema,sqlite3", tmp_path) == "code: 0"


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", QUICKSTART],
        ["graph", QUICKSTART],
        ["runs", "list"],
        ["cost"],
        ["prices", "list"],
        ["providers", "list"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_what_calls_no_model_never_imports_litellm(arguments: list[str], tmp_path: Path) -> None:
    assert loaded(arguments, "litellm,openai", tmp_path) == "code: 0"


def test_the_library_alone_imports_nothing() -> None:
    script = "import sys, nano_flow; print([n for n in sys.modules if n in ('pydantic', 'click', 'yaml', 'litellm')])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.strip() == "[]"
