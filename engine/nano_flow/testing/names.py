"""Names of steps and tools in a test document that its workflow does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.errors import DocumentError
from nano_flow.documents.load import TestsSource
from nano_flow.documents.tests import CaseDocument
from nano_flow.plan.names.nearest import did_you_mean
from nano_flow.plan.plan import Plan
from nano_flow.plan.walk import every_step
from nano_flow.tools.files.tool import FILE_TOOLS

_BUILT_IN = (*FILE_TOOLS, "run_command", "http_get")
_INDEX = re.compile(r"\[\d+\]")


def check_names(source: TestsSource, plan: Plan) -> None:
    """Raise DocumentError for each name in a case that its workflow does not have."""
    steps = [path for path, _ in every_step(plan.graph)]
    tools = [*plan.tools, *_BUILT_IN]
    found = [
        problem
        for case, document in source.document.cases.items()
        for problem in (*_steps(source, case, document, steps), *_tools(source, case, document, tools))
    ]
    if found:
        raise DocumentError(found)


def _steps(source: TestsSource, case: str, document: CaseDocument, known: Sequence[str]) -> Iterator[Diagnostic]:
    named: list[tuple[str, ...]] = [("replies", name) for name in document.replies or {}]
    named += [("expect", "steps", name) for name in (document.expect and document.expect.steps) or {}]
    for where in named:
        path = _INDEX.sub("", where[-1])
        if path not in known:
            yield _problem(source, case, where, f'there is no step "{path}"', did_you_mean(path, known))


def _tools(source: TestsSource, case: str, document: CaseDocument, known: Sequence[str]) -> Iterator[Diagnostic]:
    for name in document.tools or {}:
        first = name.partition(".")[0]
        if first not in known:
            yield _problem(source, case, ("tools", name), f'there is no tool "{name}"', did_you_mean(first, known))


def _problem(source: TestsSource, case: str, where: tuple[str, ...], message: str, hint: str) -> Diagnostic:
    place = source.source.key_range(("cases", case, *where))
    return Diagnostic("error", "NF602", message, place, ".".join(where), hint)
