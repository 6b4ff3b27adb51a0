"""Load, validate and compile beside PyYAML's C loader on the same text, and how the cost grows."""

from __future__ import annotations

import yaml

from bench.measure import Figure, medians, seconds
from bench.workflows import chain_text
from nano_flow.documents.load import WorkflowSource, load_workflow
from nano_flow.plan.catalogue import Catalogue
from nano_flow.plan.compile import compile_workflow
from nano_flow.plan.draft import CompileContext
from nano_flow.plan.plan import Plan

RATIO_AT_MOST = 1.2
GROWTH_AT_MOST = 1.3
"""Cost per step at 10,000 steps against the cost per step at 100 and at 1,000: linear is 1."""


def figures(times: int = 5) -> list[Figure]:
    """The ratio at 10,000 steps and the growth of the cost per step."""
    texts = {count: chain_text(count) for count in (100, 1000, 10_000)}
    big = texts[10_000]
    floor, ours = medians(
        [lambda: seconds(lambda: yaml.load(big, yaml.CSafeLoader)), lambda: seconds(lambda: compile_text(big))], times
    )
    small, middle = medians(
        [lambda: seconds(lambda: [compile_text(texts[100]) for _ in range(10)]) / 10,
         lambda: seconds(lambda: compile_text(texts[1000]))], times
    )  # fmt: skip
    growth = max(ours / 10_000 / (small / 100), ours / 10_000 / (middle / 1000))
    note = f"{ours * 1000:.0f} ms, CSafeLoader {floor * 1000:.0f} ms"
    return [
        Figure("load + validate + compile of 10,000 steps", ours / floor, "× CSafeLoader", RATIO_AT_MOST, note=note),
        Figure("cost per step, 10,000 against 100 and 1,000", growth, "×", GROWTH_AT_MOST),
    ]


def compile_text(text: str) -> Plan:
    """A workflow's text to its frozen plan."""
    context = CompileContext(Catalogue({}), _no_files, _no_workflows, "/project", "/project")
    result = compile_workflow(load_workflow(text, "chain.yaml"), context)
    if result.plan is None:
        raise RuntimeError(str(result.diagnostics[:3]))
    return result.plan


def _no_files(path: str) -> str:
    raise FileNotFoundError(path)


def _no_workflows(path: str, shown: str) -> WorkflowSource:
    raise FileNotFoundError(path)
