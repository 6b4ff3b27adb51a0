"""Compares two policies for the command line, and shows what moves, as text or for a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.cli.routing.history import calls_of
from nano_flow.core.errors import NanoFlowError
from nano_flow.core.money import Money, usd
from nano_flow.documents.gate.kinds import kind_of_document
from nano_flow.ports.store import RunFilter
from nano_flow.project.files import read_document
from nano_flow.project.finding import find_documents
from nano_flow.review.comparing import (
    Broken,
    Collected,
    Compared,
    Comparison,
    compare_recorded,
    compare_workflows,
    first_cost,
)
from nano_flow.review.revisions import Side, side, split_range
from nano_flow.source.yaml_nodes import read_yaml
from nano_flow.testing.policy import judge, read_policy_tests, tests_below

_ROWS = 40


def compare(options: Options, revisions: str | None, runs: int, workflow: Path | None) -> Comparison:
    """Everything that can be compared here. Raises UsageError, DocumentError."""
    in_force = options.policy(workflow)
    names = split_range(revisions)
    base, head = (side(name, in_force) for name in names)
    collected = Collected()
    broken, fixed = _compare_tests(base, head, collected)
    compare_workflows(_workflows(Path()), base.policies, head.policies, collected)
    if runs:
        compare_recorded(calls_of(options, RunFilter(limit=runs)), base.policies, head.policies, collected)
    return Comparison(base.name, head.name, collected, tuple(broken), tuple(fixed))


def _compare_tests(base: Side, head: Side, collected: Collected) -> tuple[list[Broken], list[str]]:
    """The cases of the documents here under both policies."""
    broken: list[Broken] = []
    fixed: list[str] = []
    for path in tests_below(Path()):
        tests = read_policy_tests(path)
        if tests.source.document.routing:
            collected.notes.append(f"{path} names a routing document of its own, which is not part of the comparison")
            continue
        for case in tests.cases():
            where = f"{case.file}: {case.name}"
            before, after = judge(case, base.policies), judge(case, head.policies)
            if after and not before:
                broken.append(Broken(where, after))
            if before and not after:
                fixed.append(where)
            try:
                old, new = case.decide(base.policies), case.decide(head.policies)
            except (ValueError, NanoFlowError) as error:
                collected.notes.append(f"{where}: {error}")
            else:
                collected.requests.append(Compared(where, "test", old, new, first_cost(old), first_cost(new)))
    return broken, fixed


def _workflows(folder: Path) -> list[Path]:
    found = []
    for path in find_documents([folder]):
        try:
            if kind_of_document(path.name, read_yaml(read_document(str(path)), str(path)).data) == "workflow":
                found.append(path)
        except NanoFlowError:
            continue
    return found


def shown(found: Comparison, *, markdown: bool) -> str:
    """The comparison for people: a summary, the requests that move, broken tests, what could not be compared."""
    before, after = found.costs()
    summary = (
        f"{len(found.moved)} of {len(found.requests)} requests move from {found.base} to {found.head}; "
        f"expected cost ${usd(before)} → ${usd(after)}{_change(before, after)}"
    )
    rows = [
        (c.where, _who(c, before=True), _who(c, before=False), ", ".join(c.changes), _costs(c)) for c in found.moved
    ]
    header = ("request", "before", "after", "changes", "expected cost")
    parts = [f"### Routing: {summary}" if markdown else summary]
    if rows:
        parts.append(_markdown_table(header, rows[:_ROWS]) if markdown else output.table(header, rows[:_ROWS]))
    if len(rows) > _ROWS:
        parts.append(f"… and {len(rows) - _ROWS} more; --format json has all")
    mark = "- " if markdown else "  "
    if found.broken:
        parts.append("\n".join(["Broken tests:", *(f"{mark}{t.where}: {'; '.join(t.problems)}" for t in found.broken)]))
    if found.refused:
        refused = (f"{mark}{workflow.where}: {'; '.join(workflow.problems)}" for workflow in found.refused)
        parts.append("\n".join([f"Workflows that {found.head} refuses:", *refused]))
    if found.fixed:
        parts.append("\n".join(["Fixed tests:", *(f"{mark}{where}" for where in found.fixed)]))
    if found.notes:
        parts.append("\n".join(["Not compared, or not surely:", *(f"{mark}{note}" for note in found.notes)]))
    return output.clean("\n\n".join(parts))


def _who(compared: Compared, *, before: bool) -> str:
    decision = compared.before if before else compared.after
    score = "" if decision.score is None else f" {decision.score:.1f}"
    return f"{decision.model or 'no candidate'} ({decision.tier or 'no tier'}{score})"


def _costs(compared: Compared) -> str:
    old, new = compared.cost_before, compared.cost_after
    return " → ".join("unpriced" if cost is None else f"${usd(cost)}" for cost in (old, new))


def _change(before: Money, after: Money) -> str:
    return f" ({(after - before) / before * 100:+.0f} %)" if before else ""


def _markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(output.one_line(cell).replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(header), "|" + " --- |" * len(header), *(line(row) for row in rows)])
