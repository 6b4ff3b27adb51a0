"""A plan as plain data: what ``nano-flow plan --json`` says of its steps before routes and costs are added."""

from __future__ import annotations

from nano_flow.core.messages import Json
from nano_flow.core.money import usd
from nano_flow.plan.kinds.steps import PlannedGroup
from nano_flow.plan.kinds.switch import PlannedSwitch
from nano_flow.plan.kinds.workflow import PlannedWorkflow
from nano_flow.plan.plan import Plan, PlannedGraph, PlannedStep, Value
from nano_flow.source.expressions import Template


def describe_plan(plan: Plan) -> dict[str, Json]:
    """The head and the steps of ``plan`` in the form of ``nano-flow/plan@1``, without routes and costs."""
    budget = plan.limits.budget.usd
    return {
        "schema": "nano-flow/plan@1",
        "workflow": plan.name,
        "file": plan.file,
        "digest": plan.digest,
        "valid": True,
        "inputs": {item.name: {"required": item.required, "secret": item.secret} for item in plan.inputs.values()},
        "steps": describe_steps(plan.graph),
        "handlers": _handlers(plan.graph, "", set()),
        "budget_usd": None if budget is None else usd(budget),
        "files": dict(plan.files),
    }


def describe_steps(graph: PlannedGraph, prefix: str = "") -> list[Json]:
    """Each step of ``graph`` in the order of the file; ``path`` is its address without indices."""
    return _steps(graph, prefix, set())


def short_template(value: Value) -> str:
    """A template as its author wrote it, without the braces of a lone expression; other data as JSON."""
    if isinstance(value, Template):
        text = value.source.strip()
        if text.startswith("{{") and text.endswith("}}") and "{{" not in text[2:]:
            return text[2:-2].strip()
        return text
    from nano_flow.plan.freezing.digest import canonical

    return canonical(value)


def _steps(graph: PlannedGraph, prefix: str, seen: set[str]) -> list[Json]:
    return [_step(step, prefix, seen) for step in graph.steps]


def _step(step: PlannedStep, prefix: str, seen: set[str]) -> Json:
    path = f"{prefix}{step.path}"
    described: dict[str, Json] = {
        "id": step.id,
        "path": path,
        "kind": step.kind,
        "needs": list(step.needs),
        "references": list(step.references),
        "when": None if step.when is None else short_template(step.when),
        "trigger_rule": step.trigger_rule,
    }
    if step.tags:
        described["tags"] = list(step.tags)
    if not step.inherit_tags:
        described["inherit_tags"] = False
    if step.for_each is not None:
        described["for_each"] = {
            "over": short_template(step.for_each.over),
            "as": step.for_each.name,
            "max_items": step.for_each.max_items,
        }
    if step.repeat is not None:
        described["repeat"] = {"max_iterations": step.repeat.max_iterations}
    described.update(_children(step, path, prefix, seen))
    return described


def _children(step: PlannedStep, path: str, prefix: str, seen: set[str]) -> dict[str, Json]:
    spec = step.spec
    if isinstance(spec, PlannedGroup):
        return {"children": _steps(spec.graph, prefix, seen), "handlers": _handlers(spec.graph, prefix, seen)}
    if isinstance(spec, PlannedSwitch):
        cases: dict[str, Json] = {name: _step(case, prefix, seen) for name, case in spec.cases.items()}
        default = None if spec.default is None else _step(spec.default, prefix, seen)
        return {"value": short_template(spec.value), "cases": cases, "default": default}
    if not isinstance(spec, PlannedWorkflow):
        return {}
    described: dict[str, Json] = {"workflow": spec.plan.name, "file": spec.plan.file}
    # Files that call each other twice would double with every level: each is written out once.
    if spec.plan.file not in seen:
        seen.add(spec.plan.file)
        described["children"] = _steps(spec.plan.graph, f"{path}.", seen)
        described["handlers"] = _handlers(spec.plan.graph, f"{path}.", seen)
    return described


def _handlers(graph: PlannedGraph, prefix: str, seen: set[str]) -> dict[str, Json]:
    named = (("on_failure", graph.on_failure), ("finally", graph.finally_))
    return {name: _steps(handler, prefix, seen) for name, handler in named if handler is not None}
