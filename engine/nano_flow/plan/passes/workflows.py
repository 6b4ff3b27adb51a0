"""Sub-workflows: the other files are compiled too, recursion is refused, inputs are checked where they are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from nano_flow.core.diagnostics import Diagnostic, has_errors
from nano_flow.core.errors import DocumentError
from nano_flow.documents.steps import WorkflowStep
from nano_flow.plan.draft import Draft, DraftStep, Found, join, problem
from nano_flow.plan.names.literals import misfit
from nano_flow.plan.names.nearest import did_you_mean, listed
from nano_flow.plan.plan import Plan, Value
from nano_flow.plan.reading.confine import beside, outside

DEEPEST = 32
CompileOther = Callable[[Draft, str, str], tuple[Plan | None, list[Diagnostic]]]
"""(caller, absolute path, name to show) → the plan of the other file, and what is wrong with it."""


def compile_others(compile_other: CompileOther) -> Callable[[Draft], tuple[Draft, Found]]:
    """The pass; ``compile_other`` is the whole list of passes over another file."""

    def run(draft: Draft) -> tuple[Draft, Found]:
        plans: dict[int, Plan] = {}
        files = dict(draft.files)
        found: Found = []
        for step in draft.steps:
            if isinstance(step.document, WorkflowStep):
                plan = _plan(draft, step, step.document, compile_other, found)
                if plan is not None:
                    plans[step.number] = plan
                    files |= plan.files
                    found.extend(_check_inputs(draft, step, plan))
        return replace(draft, plans=plans, files=files), found

    return run


def _plan(
    draft: Draft, step: DraftStep, document: WorkflowStep, compile_other: CompileOther, found: Found
) -> Plan | None:
    at = (*step.at, "workflow")
    where = draft.where(at)
    name = document.workflow
    folder = draft.path.rpartition("/")[0] or "/"
    reason = outside(name, folder, draft.context.root)
    if reason:
        found.append(problem("NF312", reason, where, at=at, hint="name a file of this project"))
        return None
    path = join(folder, name)
    chain = (*draft.callers, draft.path)
    if path in chain:
        shown = [caller.rpartition("/")[2] for caller in (*chain[chain.index(path) :], path)]
        message = f"a workflow that calls itself: {' → '.join(shown)}"
        found.append(problem("NF321", message, where, at=at, hint="use `repeat` to do something again"))
        return None
    if len(chain) > DEEPEST:
        message = f"workflows call each other more than {DEEPEST} levels deep"
        found.append(problem("NF321", message, where, at=at))
        return None
    try:
        plan, others = compile_other(draft, path, beside(draft.source.file, name))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        found.append(problem("NF311", f'the workflow "{name}" cannot be read: {why}', where, at=at))
        return None
    except DocumentError as error:
        plan, others = None, list(error.diagnostics)
    found.extend(other for other in others if other not in found)
    if plan is None and not has_errors(others):
        message = f'the workflow "{name}" cannot be used: it has errors that were shown above'
        found.append(problem("NF321", message, where, at=at))
    return plan


def _check_inputs(draft: Draft, step: DraftStep, plan: Plan) -> Found:
    found: Found = []
    given = draft.fields[step.number].get("with")
    values: Mapping[str, Value] = given if isinstance(given, dict) else {}
    for name, value in values.items():
        at = (*step.at, "with", name)
        declared = plan.inputs.get(name)
        if declared is None:
            known = listed(plan.inputs) if plan.inputs else "none"
            message = f'"{plan.name}" has no input "{name}": its inputs are {known}'
            hint = did_you_mean(name, plan.inputs)
            found.append(problem("NF322", message, draft.key(at), at=at, hint=hint))
        elif reason := misfit(value, declared.schema):
            message = f'the input "{name}" of "{plan.name}" {reason}'
            found.append(problem("NF322", message, draft.where(at), at=at))
    missing = [name for name, item in plan.inputs.items() if item.required and name not in values]
    if missing:
        at = (*step.at, "with") if values else step.at
        message = f'"{plan.name}" also wants {listed(missing)}'
        found.append(problem("NF322", message, draft.key(at), at=at, hint=f"add `with: {{{missing[0]}: …}}`"))
    return found
