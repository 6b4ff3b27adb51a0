"""Every step of a plan with how often it may be executed: branches, fan-outs, loops, retries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from nano_flow.core.messages import Json
from nano_flow.documents.workflow import USUAL_STEPS
from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.plan.kinds.steps import PlannedGroup
from nano_flow.plan.kinds.switch import PlannedSwitch
from nano_flow.plan.kinds.workflow import PlannedWorkflow
from nano_flow.plan.plan import Plan, PlannedGraph, PlannedStep, Value
from nano_flow.pricing.forecast.spread import ONCE, Times
from nano_flow.source.expressions import Template

USUAL_ITEMS = 5
"""Items of a list that nobody knows yet, where no earlier run tells."""


@dataclass(frozen=True, slots=True)
class Known:
    """A value that is known before the run."""

    value: Json


class Evaluator(Protocol):
    """Evaluates what follows from the given inputs alone."""

    def value(self, template: Template) -> Known | None:
        """What ``template`` will be, or None where that depends on the run."""

    def with_item(self, name: str, value: Json) -> Evaluator:
        """The same for one item of a fan-out."""

    def inside(self, plan: Plan, inputs: Mapping[str, Value]) -> Evaluator:
        """The same inside a sub-workflow that is given ``inputs``."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A step, the address it has without indices, how often it is executed, and what is known where it stands.

    ``known`` evaluates templates of its surroundings. ``items`` holds the known lists that surrounding fan-outs go
    through, by the name of their item; ``steps`` the steps that can be referred to.
    """

    path: str
    step: PlannedStep
    times: Times
    known: Evaluator
    items: Mapping[str, list[Json]] = field(default_factory=dict)
    steps: Mapping[str, PlannedStep] = field(default_factory=dict)
    width: Times = ONCE
    """How many items its own fan-out has."""
    item_name: str | None = None
    """The name of the item of its own fan-out; of the nearest one around it where it has none."""
    item_source: str | None = None
    """The step whose output is the list of that fan-out."""

    def path_of(self, step: str) -> str:
        """The path of a step that this one can refer to by its id."""
        prefix = self.path.removesuffix(self.step.path)
        return f"{prefix}{self.steps[step].path}" if step in self.steps else step


@dataclass(frozen=True, slots=True)
class _Scope:
    prefix: str
    known: Evaluator
    items: Mapping[str, list[Json]]
    steps: Mapping[str, PlannedStep]
    item_name: str | None = None
    item_source: str | None = None


def visits(plan: Plan, known: Evaluator) -> Iterator[Visit]:
    """All steps of ``plan``, outer ones first, in the order of the file."""
    scope = _Scope("", known, {}, {})
    for visit in _graph(plan.graph, ONCE, scope):
        high = min(visit.times.high, USUAL_STEPS if plan.limits.steps is None else plan.limits.steps)
        low, likely = min(visit.times.low, high), min(visit.times.likely, float(high))
        yield replace(visit, times=Times(low, likely, high))


def _graph(graph: PlannedGraph, times: Times, scope: _Scope) -> Iterator[Visit]:
    inner = replace(scope, steps={**scope.steps, **{step.id: step for step in graph.steps}})
    for step in graph.steps:
        yield from _step(step, times, inner)
    if graph.on_failure is not None:
        yield from _graph(graph.on_failure, times.times(Times(0, 0.0, 1)), inner)
    if graph.finally_ is not None:
        yield from _graph(graph.finally_, times, inner)


def _step(step: PlannedStep, times: Times, scope: _Scope) -> Iterator[Visit]:
    items, listed = _items(step, scope)
    often = times.times(_condition(step, scope)).times(items).times(_iterations(step)).times(_retries(step))
    if step.for_each is not None:
        name = step.for_each.name
        known = {n: i for n, i in scope.items.items() if n != name} | ({} if listed is None else {name: listed})
        scope = replace(scope, items=known, item_name=name, item_source=_source(step.for_each.over))
    path = f"{scope.prefix}{step.path}"
    yield Visit(path, step, often, scope.known, scope.items, scope.steps, items, scope.item_name, scope.item_source)
    spec = step.spec
    if isinstance(spec, PlannedGroup):
        yield from _graph(spec.graph, often, scope)
    elif isinstance(spec, PlannedWorkflow):
        inside = _Scope(f"{path}.", scope.known.inside(spec.plan, spec.inputs), {}, {})
        yield from _graph(spec.plan.graph, often, inside)
    elif isinstance(spec, PlannedSwitch):
        yield from _cases(spec, often, scope)


def _cases(spec: PlannedSwitch, times: Times, scope: _Scope) -> Iterator[Visit]:
    """One of the cases: which one is known only where its value is."""
    cases = dict(spec.cases)
    chosen = scope.known.value(spec.value)
    if chosen is not None:
        taken = cases.get(str(chosen.value), spec.default)
        if taken is not None:
            yield from _step(taken, times, scope)
        return
    branches = [*cases.values(), *([spec.default] if spec.default is not None else [])]
    for branch in branches:
        yield from _step(branch, times.times(Times(0, 1 / len(branches), 1)), scope)


def _condition(step: PlannedStep, scope: _Scope) -> Times:
    """Whether it starts at all."""
    if step.when is not None:
        known = scope.known.value(step.when)
        if known is None:
            return Times(0, 1.0, 1)
        return ONCE if known.value else Times(0, 0.0, 0)
    if step.trigger_rule == "one_failed":
        return Times(0, 0.0, 1)
    return ONCE


def _items(step: PlannedStep, scope: _Scope) -> tuple[Times, list[Json] | None]:
    """How many items a fan-out has, and which, where that is known."""
    if step.for_each is None:
        return ONCE, None
    over, most = step.for_each.over, step.for_each.max_items
    if step.for_each.rows is not None:  # it may be written by a step of the run: only its bound is certain
        return Times(0, float(min(USUAL_ITEMS, most)), most), None
    if isinstance(over, Template):
        known = scope.known.value(over)
        listed = known.value if known is not None and isinstance(known.value, list) else None
        if listed is None:
            most = min(most, _most_items(over, scope.steps, most))
            return Times(0, float(min(USUAL_ITEMS, most)), most), None
    else:
        listed = list(over) if isinstance(over, list) else []  # type: ignore[arg-type]
    number = min(len(listed), most)
    return Times(number, float(number), number), listed


def _source(over: Value) -> str | None:
    """The step whose output, or a member of it, is the list ``over``."""
    if not isinstance(over, Template) or len(over.references) != 1:
        return None
    path = over.references[0]
    plain = over.source.strip(" {}") == ".".join(path)
    return path[1] if plain and path[0] == "steps" and len(path) > 2 and path[2] == "output" else None


def _most_items(over: Template, steps: Mapping[str, PlannedStep], otherwise: int) -> int:
    """The ``maxItems`` that an output schema gives to the list, where it gives one."""
    source = _source(over)
    if source not in steps or source is None:
        return otherwise
    rest = over.references[0][1:]
    spec = steps[rest[0]].spec
    schema: Json = (
        dict(spec.reply.output_schema) if isinstance(spec, PlannedPrompt) and spec.reply.output_schema else None
    )
    for member in rest[2:]:
        properties = schema.get("properties") if isinstance(schema, dict) else None
        schema = properties.get(member) if isinstance(properties, dict) else None
    most = schema.get("maxItems") if isinstance(schema, dict) else None
    return most if isinstance(most, int) and not isinstance(most, bool) else otherwise


def _iterations(step: PlannedStep) -> Times:
    if step.repeat is None:
        return ONCE
    most = step.repeat.max_iterations
    if step.repeat.until is None:
        return Times(most, float(most), most)
    return Times(1, (1 + most) / 2, most)


def _retries(step: PlannedStep) -> Times:
    """A prompt's ``retry`` counts attempts of a call, which belong to the call."""
    if step.retry is None or isinstance(step.spec, PlannedPrompt):
        return ONCE
    return Times(1, 1.0, step.retry.max_attempts)
