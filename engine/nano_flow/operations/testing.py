"""The tests of workflows and of the routing policy: nothing is sent, nothing costs anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from nano_flow.core.errors import UsageError
from nano_flow.operations.place import Place
from nano_flow.testing.cases import CaseResult
from nano_flow.testing.collect import run_all
from nano_flow.testing.policy import PolicyCaseResult, run_policy_tests, tests_below
from nano_flow.testing.report import as_json, case_text, junit_text, summary_text

__all__ = [
    "CaseResult",
    "PolicyCaseResult",
    "as_json",
    "case_text",
    "junit_text",
    "summary_text",
    "test_policies",
    "test_workflows",
]


def test_workflows(place: Place, paths: Sequence[Path], wanted: str = "") -> Iterator[CaseResult]:
    """Run the cases of every ``*.test.yaml`` below ``paths`` whose ``file::name`` holds ``wanted``, one by one."""
    yield from run_all(paths, wanted, place.config_dir)


def test_policies(place: Place, paths: Sequence[Path], wanted: str = "") -> list[PolicyCaseResult]:
    """Run the cases of every ``routing.test.yaml`` below ``paths``. Raises UsageError for a path that is not there."""
    results: list[PolicyCaseResult] = []
    for path in paths:
        if not path.exists():
            raise UsageError(f'"{path}" does not exist')
        for file in tests_below(path) if path.is_dir() else [path]:
            results += run_policy_tests(file, wanted, place.config_dir)
    return results
