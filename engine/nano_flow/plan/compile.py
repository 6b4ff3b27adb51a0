"""The compiler: a list of passes from a workflow's document to its frozen plan, errors collected over all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from nano_flow.core.diagnostics import Diagnostic, has_errors
from nano_flow.documents.gate.silencing import unsilenced
from nano_flow.documents.load import WorkflowSource
from nano_flow.plan.checks.bounds import check_bounds
from nano_flow.plan.checks.choices import check_choices
from nano_flow.plan.checks.commands import check_commands
from nano_flow.plan.checks.naming import check_names
from nano_flow.plan.checks.order import check_order
from nano_flow.plan.checks.routes.forbidden import forbidden_models
from nano_flow.plan.checks.routes.models import check_models
from nano_flow.plan.checks.routes.prices import check_prices
from nano_flow.plan.checks.schemas.schemas import check_schemas
from nano_flow.plan.checks.tools import check_tools
from nano_flow.plan.draft import CompileContext, Draft, Pass, first_errors
from nano_flow.plan.freezing.file import freeze
from nano_flow.plan.oversights.table import oversights
from nano_flow.plan.passes.cycles import order_steps
from nano_flow.plan.passes.defaults import apply_defaults
from nano_flow.plan.passes.edges import connect
from nano_flow.plan.passes.files import read_files
from nano_flow.plan.passes.outline import outline
from nano_flow.plan.passes.references import resolve_references
from nano_flow.plan.passes.tags import flow_tags
from nano_flow.plan.passes.templates import check_templates
from nano_flow.plan.passes.workflows import compile_others
from nano_flow.plan.plan import Plan
from nano_flow.source.collector import collector_paused

CHECKS: tuple[Callable[[Draft], Iterable[Diagnostic]], ...] = (
    check_names,
    check_schemas,
    check_commands,
    check_tools,
    check_choices,
    check_models,
    check_prices,
    check_bounds,
    check_order,
)
"""Passes that only judge: each finds its own kind of mistake in a draft that knows everything."""


@dataclass(frozen=True, slots=True)
class CompileResult:
    """The plan, or None where there are errors; and all that is wrong or suspicious, in the order of the text."""

    plan: Plan | None
    diagnostics: tuple[Diagnostic, ...]


def compile_workflow(source: WorkflowSource, context: CompileContext) -> CompileResult:
    """Plan ``source``. Starts nothing and raises nothing for a bad document: what is wrong is in the diagnostics."""
    with collector_paused():
        return _Compiler(context, _has_budget(source)).compile(source, ())


@dataclass(slots=True)
class _Compiler:
    """Compiles each file once, however many workflows call it."""

    context: CompileContext
    under_budget: bool
    done: dict[str, CompileResult] = field(default_factory=dict)

    def compile(self, source: WorkflowSource, callers: tuple[str, ...]) -> CompileResult:
        draft = Draft(source, self.context, callers, self.under_budget)
        found = list(source.warnings)
        for run in self._passes():
            draft, more = run(draft)
            found.extend(more)
        plan = None if has_errors(found) else freeze(draft)
        if plan is not None:
            found.extend(oversights(draft))
        if plan is not None and not callers:  # only from the outermost file are all tags known that flow to a step
            refused = first_errors(forbidden_models(plan, self.context))
            found.extend(refused)
            plan = None if refused else plan
        texts = {source.source.file: source.source.text, **{file.shown: file.text for file in draft.texts.values()}}
        return CompileResult(plan, _in_order(unsilenced(found, texts), source.source.file))

    def _passes(self) -> Sequence[Pass]:
        return (
            outline,
            apply_defaults,
            read_files,
            check_templates,
            compile_others(self._other),
            resolve_references,
            flow_tags,
            connect,
            order_steps,
            *(_judge(check) for check in CHECKS),
        )

    def _other(self, caller: Draft, path: str, shown: str) -> tuple[Plan | None, list[Diagnostic]]:
        if path not in self.done:
            source = self.context.load_workflow(path, shown)
            self.done[path] = self.compile(source, (*caller.callers, caller.path))
        result = self.done[path]
        return result.plan, list(result.diagnostics)


def _judge(check: Callable[[Draft], Iterable[Diagnostic]]) -> Pass:
    return lambda draft: (draft, first_errors(check(draft)))


def _has_budget(source: WorkflowSource) -> bool:
    limits = source.document.limits
    return limits is not None and limits.budget is not None and limits.budget.usd is not None


def _in_order(found: list[Diagnostic], file: str) -> tuple[Diagnostic, ...]:
    """Each once, this file's first, by place."""
    unique = dict.fromkeys(found)
    return tuple(sorted(unique, key=lambda d: (d.where.file != file, d.where.file, d.where.line, d.where.column)))
