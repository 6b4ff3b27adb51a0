"""Models that a step names and that a rule of its policy surely keeps from it: such a step could only ever fail."""

from __future__ import annotations

from collections.abc import Iterator

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.refs import ModelRef
from nano_flow.plan.draft import CompileContext, problem
from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.plan.plan import Plan, PlannedStep
from nano_flow.plan.walk import every_step


def forbidden_models(plan: Plan, context: CompileContext) -> Iterator[Diagnostic]:
    """Every pinned model, of a step or of its judges, that tags and rules do not admit."""
    for path, step in every_step(plan.graph):
        if step.tags and isinstance(step.spec, PlannedPrompt):
            named = dict.fromkeys((step.spec.route.model, *(check.model or "" for check in step.spec.verify)))
            for name in named:
                yield from _forbidden(context, path, (step, step.spec), name)


def _forbidden(
    context: CompileContext, path: str, asked: tuple[PlannedStep, PlannedPrompt], name: str
) -> Iterator[Diagnostic]:
    step, spec = asked
    provider, slash, _ = name.partition("/")
    card = context.catalogue.providers.get(provider) if slash else None
    if card is None or card.adapter == "sim":
        return
    restriction = context.forbidding(spec.route.policy, ModelRef.parse(name), step.tags)
    if restriction:
        message = f'"{name}" may not answer "{path}", which has the tags {", ".join(step.tags)}: {restriction}'
        hint = "name a model that the rule admits, or end what comes along with `inherit_tags: false`"
        yield problem("NF351", message, step.where, hint=hint)
