"""Two policies compared: by test cases, by the workflows of this folder, by recorded runs."""

from __future__ import annotations

from pathlib import Path

from nano_flow.core.errors import NanoFlowError
from nano_flow.documents.gate.kinds import kind_of_document
from nano_flow.operations.place import Place
from nano_flow.operations.policy.recorded import calls_of
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

__all__ = ["Compared", "Comparison", "compare_policies"]


def compare_policies(place: Place, revisions: str | None, runs: int, workflow: Path | None) -> Comparison:
    """Everything that can be compared here. Raises UsageError, DocumentError."""
    in_force = place.policy(workflow)
    names = split_range(revisions)
    base, head = (side(name, in_force) for name in names)
    return compare_sides(place, base, head, runs)


def compare_sides(place: Place, base: Side, head: Side, runs: int) -> Comparison:
    """The same of two policies that were read already."""
    collected = Collected()
    broken, fixed = _compare_tests(base, head, collected)
    compare_workflows(_workflows(Path()), base.policies, head.policies, collected)
    if runs:
        compare_recorded(calls_of(place, RunFilter(limit=runs)), base.policies, head.policies, collected)
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
