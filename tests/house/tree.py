"""The checkout as the house's tests see it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / "engine" / "nano_flow"


def modules(folder: Path) -> list[Path]:
    """Every Python file under ``folder``."""
    return sorted(path for path in folder.rglob("*.py") if "node_modules" not in path.parts)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a module, the inner ones too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def named(path: Path) -> str:
    """The path as it is written in a message."""
    return path.relative_to(ROOT).as_posix()
