"""Results of tests as text, as JSON and as JUnit's XML."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from nano_flow.core.messages import Json
from nano_flow.testing.cases import CaseResult


def case_text(result: CaseResult, *, verbose: bool) -> str:
    """One case: a line where it passed, with every difference where it did not."""
    mark = "FAILED" if result.problems else "ok"
    lines = [f"{mark:6} {result.file}:{result.line}  {result.name}"]
    lines += [f"       - {problem}" for problem in result.problems]
    lines += [f"       warning: {warning}" for warning in result.warnings]
    if verbose:
        lines[0] += f"  ({result.duration_s * 1000:.0f} ms)"
    return "\n".join(lines)


def summary_text(results: Sequence[CaseResult], took_s: float) -> str:
    """The closing line."""
    failed = sum(1 for result in results if result.problems)
    return f"{len(results) - failed} passed, {failed} failed in {took_s:.2f} s"


def as_json(results: Sequence[CaseResult], took_s: float) -> dict[str, Json]:
    """The fields of ``nano-flow/tests@1``."""
    failed = sum(1 for result in results if result.problems)
    return {
        "passed": len(results) - failed,
        "failed": failed,
        "duration_s": round(took_s, 3),
        "cases": [
            {
                "file": result.file,
                "line": result.line,
                "name": result.name,
                "passed": not result.problems,
                "problems": list(result.problems),
                "warnings": list(result.warnings),
                "duration_s": round(result.duration_s, 3),
            }
            for result in results
        ],
    }


def junit_text(results: Sequence[CaseResult]) -> str:
    """A JUnit report, one suite a file."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for file in dict.fromkeys(result.file for result in results):
        cases = [result for result in results if result.file == file]
        failed = sum(1 for case in cases if case.problems)
        lines.append(f'<testsuite name={_attribute(file)} tests="{len(cases)}" failures="{failed}">')
        lines += [line for case in cases for line in _case(case)]
        lines.append("</testsuite>")
    return "\n".join([*lines, "</testsuites>", ""])


def _case(case: CaseResult) -> list[str]:
    head = f'<testcase classname={_attribute(case.file)} name={_attribute(case.name)} time="{case.duration_s:.3f}"'
    if not case.problems:
        return [f"{head}/>"]
    text = escape(_printable("\n".join(case.problems)))
    return [f"{head}>", f"<failure message={_attribute(case.problems[0])}>{text}</failure>", "</testcase>"]


def _attribute(text: str) -> str:
    return quoteattr(_printable(text))


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)
