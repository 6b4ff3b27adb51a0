"""What is inside a planned graph: how many steps it starts for certain, and whether it writes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.plan.kinds.run import PlannedRun
from nano_flow.plan.kinds.steps import PlannedGroup
from nano_flow.plan.kinds.switch import PlannedSwitch
from nano_flow.plan.kinds.tool import PlannedTool
from nano_flow.plan.kinds.workflow import PlannedWorkflow
from nano_flow.plan.plan import Plan, PlannedGraph, PlannedStep, Value
from nano_flow.source.expressions import Template

_NUMBER = r"\s*(\d{1,9})\s*"
_RANGE = re.compile(rf"(?:\{{\{{)?\s*range\({_NUMBER}(?:,{_NUMBER}(?:,{_NUMBER})?)?\)\s*(?:\|\s*list\s*)?(?:\}}\}})?")


def constant_length(value: Value) -> int | None:
    """How many items a ``for_each`` has, where that is written down: a list, ``range(n)``, ``range(a, b, step)``."""
    if isinstance(value, list):
        return len(value)
    # One that was refused, ``range(1000000)``, was kept as a literal: its own message is enough.
    if not isinstance(value, Template) or value.form == "literal":
        return None
    match = _RANGE.fullmatch(value.source.strip())
    if match is None:
        return None
    first, second, stride = (None if number is None else int(number) for number in match.groups())
    return len(range(first or 0)) if second is None else len(range(first or 0, second, stride or 1))


def certain_starts(graph: PlannedGraph, memo: dict[int, int]) -> int:
    """Leaf steps that ``graph`` starts unless something fails; ``memo`` keeps the count of each graph, by identity."""
    if id(graph) not in memo:
        by_id = {step.id: step for step in graph.steps}
        sure: set[str] = set()
        total = 0
        for name in graph.order:
            step = by_id[name]
            if step.when is None and sure.issuperset((*step.needs, *step.references)):
                total += _starts(step, memo)
                if step.kind not in ("finish", "fail"):
                    sure.add(name)
        memo[id(graph)] = total
    return memo[id(graph)]


def _starts(step: PlannedStep, memo: dict[int, int]) -> int:
    items = 1 if step.for_each is None else constant_length(step.for_each.over) or 0
    if isinstance(step.spec, PlannedGroup):
        return items * certain_starts(step.spec.graph, memo)
    if isinstance(step.spec, PlannedWorkflow):
        return items * certain_starts(step.spec.plan.graph, memo)
    return 0 if isinstance(step.spec, PlannedSwitch) else items


def writes(plan: Plan, memo: dict[int, bool]) -> bool:
    """True where ``plan`` runs commands or lets agents write; ``memo`` keeps the answer for each plan, by identity."""
    if id(plan) not in memo:
        tools = writing_tools(name for name, tool in plan.tools.items() if tool.kind == "command")
        memo[id(plan)] = any(_step_writes(step, tools, memo) for step in _steps(plan.graph))
    return memo[id(plan)]


def writing_tools(declared: Iterable[str]) -> frozenset[str]:
    """The tools that change something: some built-in ones, and declared commands."""
    return frozenset(("write_file", "edit_file", "run_command", *declared))


def expanded_size(plan: Plan, memo: dict[int, int]) -> int:
    """All steps of ``plan``, those of a sub-workflow once for each step that calls it."""
    if id(plan) not in memo:
        steps = list(_steps(plan.graph))
        others = (step.spec.plan for step in steps if isinstance(step.spec, PlannedWorkflow))
        memo[id(plan)] = len(steps) + sum(expanded_size(other, memo) for other in others)
    return memo[id(plan)]


def _steps(graph: PlannedGraph) -> Iterator[PlannedStep]:
    """Every step of one file."""
    graphs = [graph]
    waiting: list[PlannedStep] = []
    while graphs or waiting:
        if not waiting:
            here = graphs.pop()
            graphs.extend(handler for handler in (here.on_failure, here.finally_) if handler is not None)
            waiting.extend(here.steps)
            continue
        step = waiting.pop()
        yield step
        if isinstance(step.spec, PlannedGroup):
            graphs.append(step.spec.graph)
        elif isinstance(step.spec, PlannedSwitch):
            waiting.extend(step.spec.cases.values())
            waiting.extend([step.spec.default] if step.spec.default is not None else [])


def _step_writes(step: PlannedStep, tools: frozenset[str], memo: dict[int, bool]) -> bool:
    spec = step.spec
    if isinstance(spec, PlannedWorkflow):
        return writes(spec.plan, memo)
    if isinstance(spec, PlannedPrompt):
        return not tools.isdisjoint(spec.tools)
    return isinstance(spec, PlannedRun) or (isinstance(spec, PlannedTool) and spec.tool in tools)
