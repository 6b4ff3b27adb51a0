"""Sub-workflows: the other files are compiled too, recursion is refused, inputs are checked where they are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.errors import DocumentError
from nano_flow.documents.steps import WorkflowStep
from nano_flow.plan.draft import MOST_ERRORS, Draft, DraftStep, Found, join, problem
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
        found: dict[Diagnostic, None] = {}
        for step in draft.steps:
            if isinstance(step.document, WorkflowStep) and len(found) < MOST_ERRORS:
                plan, faults = _plan(draft, step, step.document, compile_other)
                found |= dict.fromkeys(faults)
                if plan is not None:
                    plans[step.number] = plan
                    files |= plan.files
                    found |= dict.fromkeys(_check_inputs(draft, step, plan))
        return replace(draft, plans=plans, files=files), list(found)

    return run


def _plan(
    draft: Draft, step: DraftStep, document: WorkflowStep, compile_other: CompileOther
) -> tuple[Plan | None, Found]:
    at = (*step.at, "workflow")
    where = draft.where(at)
    name = document.workflow
    folder = draft.path.rpartition("/")[0] or "/"
    if "{{" in name or "{%" in name:
        message = f'"workflow" takes no template: "{name}" is the name of one file'
        hint = "let a `switch` choose: `switch: {value: …, cases: {a: {workflow: ./a.yaml}}}`"
        return None, [problem("NF311", message, where, at=at, hint=hint)]
    reason = outside(name, folder, draft.context.root)
    if reason:
        return None, [problem("NF312", reason, where, at=at, hint="name a file of this project")]
    path = join(folder, name)
    if too_deep := _recursion(draft, path):
        return None, [problem("NF321", too_deep, where, at=at, hint="use `repeat` to do something again")]
    try:
        plan, found = compile_other(draft, path, beside(draft.source.file, name))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        return None, [problem("NF311", f'the workflow "{name}" cannot be read: {why}', where, at=at)]
    except DocumentError as error:
        return None, list(error.diagnostics)
    return plan, found


def _recursion(draft: Draft, path: str) -> str:
    chain = (*draft.callers, draft.path)
    if path in chain:
        shown = [caller.rpartition("/")[2] for caller in (*chain[chain.index(path) :], path)]
        return f"a workflow that calls itself: {' → '.join(shown)}"
    return f"workflows call each other more than {DEEPEST} levels deep" if len(chain) > DEEPEST else ""


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
