"""Finds test documents below paths and runs their cases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from nano_flow.core.errors import DocumentError, UsageError
from nano_flow.project.finding import find_documents
from nano_flow.testing.cases import CaseResult, run_tests
from nano_flow.testing.policy import PolicyCaseResult, is_policy_test, run_policy_tests

_SUFFIXES = (".test.yaml", ".test.yml")


def run_all(paths: Sequence[Path], wanted: str, config_dir: Path | None) -> Iterator[CaseResult]:
    """Every case below ``paths``; a document that cannot be used is one failed case of its own."""
    for path in paths:
        if not path.exists():
            raise UsageError(f'"{path}" does not exist')
    for file in find_documents(paths):
        if not file.name.endswith(_SUFFIXES):
            continue
        try:
            if is_policy_test(file):
                yield from (_policy_case(result) for result in run_policy_tests(file, wanted, config_dir))
            else:
                yield from run_tests(file, wanted, config_dir)
        except DocumentError as error:
            problems = tuple(str(diagnostic) + _hint(diagnostic.hint) for diagnostic in error.diagnostics)
            yield CaseResult(str(file), "the document", error.diagnostics[0].where.line, problems)


def _policy_case(result: PolicyCaseResult) -> CaseResult:
    case = result.case
    return CaseResult(case.file, case.name, case.line, result.problems, duration_s=result.duration_s)


def _hint(hint: str) -> str:
    return f" ({hint})" if hint else ""
