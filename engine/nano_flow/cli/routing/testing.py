"""Runs policy tests for the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.operations.testing import PolicyCaseResult, test_policies


def run_cases(options: Options, paths: Sequence[Path], wanted: str) -> int:
    """Run and print them; 1 where one failed or none was found."""
    results = test_policies(options.place, paths, wanted)
    failed = sum(1 for result in results if result.problems)
    if options.json:
        output.document(
            "nano-flow/tests@1", {"passed": len(results) - failed, "failed": failed, "cases": _json(results)}
        )
    else:
        for result in results:
            output.data(_text(result))
        summary = f"{len(results) - failed} passed, {failed} failed"
        if results:
            output.data(output.style(summary, "bad" if failed else "good"))
        else:
            output.fail(
                f'no case contains "{wanted}" in its file::name; nano-flow policy test without -k lists them'
                if wanted
                else "no case is there: policy tests are files named routing.test.yaml; nano-flow init shows one, "
                "in a new folder: nano-flow init DIR"
            )
    return 1 if failed or not results else 0


def _text(result: PolicyCaseResult) -> str:
    mark = "FAILED" if result.problems else "ok"
    lines = [f"{mark:6} {result.case.file}:{result.case.line}  {result.case.name}"]
    return output.clean("\n".join([*lines, *(f"       - {problem}" for problem in result.problems)]))


def _json(results: Sequence[PolicyCaseResult]) -> list[dict[str, object]]:
    return [
        {
            "file": result.case.file,
            "line": result.case.line,
            "name": result.case.name,
            "passed": not result.problems,
            "problems": list(result.problems),
        }
        for result in results
    ]
