"""Modules, functions and folders stay small; the list of exceptions is empty and stays so."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.house.tree import ENGINE, ROOT, functions, modules, named

EXCEPTIONS: frozenset[str] = frozenset()
UNFINISHED = re.compile(r"#\s*(TODO|FIXME|XXX|HACK)\b|\bNotImplementedError\b")


@pytest.mark.parametrize(("folder", "limit"), [("engine", 300), ("tests", 400), ("bench", 300), (".ci", 300)])
def test_no_module_is_long(folder: str, limit: int) -> None:
    long = {named(path): len(path.read_text().splitlines()) for path in modules(ROOT / folder)}
    assert {name: lines for name, lines in long.items() if lines > limit} == dict.fromkeys(EXCEPTIONS)


def test_half_of_the_modules_are_short() -> None:
    lengths = sorted(len(path.read_text().splitlines()) for path in modules(ENGINE) if path.name != "__init__.py")
    assert lengths[len(lengths) // 2] <= 110


def test_no_function_is_long() -> None:
    long = [
        f"{named(path)}:{function.lineno} {function.name}"
        for folder in (ENGINE, ROOT / "bench")
        for path in modules(folder)
        for function in functions(path)
        if (function.end_lineno or function.lineno) - function.lineno + 1 > 50
    ]
    assert long == sorted(EXCEPTIONS)


def test_no_function_takes_many_parameters() -> None:
    def count(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
        arguments = function.args
        names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        return len([name for name in names if name not in ("self", "cls")])

    many = [
        f"{named(path)}:{function.lineno} {function.name}"
        for path in modules(ENGINE)
        for function in functions(path)
        if count(function) > 6 and not _is_command(function)
    ]
    assert many == sorted(EXCEPTIONS)


def _is_command(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A command's function has one parameter for each of its options."""
    return any("command" in ast.unparse(decorator) for decorator in function.decorator_list)


def test_no_folder_holds_many_modules() -> None:
    folders = Counter(named(path.parent) for path in modules(ENGINE) if path.name != "__init__.py")
    assert {name: count for name, count in folders.items() if count > 12} == dict.fromkeys(EXCEPTIONS)


@pytest.mark.parametrize("folder", ["engine", "tests", "bench", ".ci"])
def test_every_module_opens_with_one_sentence(folder: str) -> None:
    def opening(path: Path) -> str:
        return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")[0]

    silent = [named(path) for path in modules(ROOT / folder) if path.stat().st_size and len(opening(path)) < 10]
    assert silent == []


def test_nothing_is_left_for_later() -> None:
    found = [
        f"{named(path)}:{number}"
        for path in modules(ENGINE)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if UNFINISHED.search(line)
    ]
    assert found == []


def test_any_error_is_caught_only_at_an_edge() -> None:
    edges = ("cli", "providers", "tools", "steps/tools", "stores", "executors", "caches", "sinks")
    counts = Counter(
        named(path)
        for path in modules(ENGINE)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler) and _swallows_everything(node)
    )
    inner = [name for name in counts if not any(name.startswith(f"engine/nano_flow/{edge}/") for edge in edges)]
    assert inner == []
    assert {name: count for name, count in counts.items() if count > 1} == {}
    assert [name for name in counts if "/cli/" in name] == ["engine/nano_flow/cli/main.py"]


def _swallows_everything(handler: ast.ExceptHandler) -> bool:
    """True unless it names what it catches, or passes the error on to who awaits it."""
    if handler.type is not None and ast.unparse(handler.type) not in ("Exception", "BaseException"):
        return False
    body = ast.unparse(handler)
    return not (
        any(isinstance(node, ast.Raise) and node.exc is None for node in handler.body) or "set_exception(" in body
    )
