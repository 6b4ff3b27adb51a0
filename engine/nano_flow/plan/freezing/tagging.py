"""A sub-workflow under the tags of the step that calls it: a plan of its own, for other callers have other tags."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nano_flow.plan.draft import Draft, DraftStep
from nano_flow.plan.freezing.digest import plan_digest, step_digest
from nano_flow.plan.kinds.steps import PlannedGroup
from nano_flow.plan.kinds.switch import PlannedSwitch
from nano_flow.plan.kinds.table import Spec
from nano_flow.plan.kinds.workflow import PlannedWorkflow
from nano_flow.plan.plan import Plan, PlannedGraph, PlannedStep


def under_callers_tags(draft: Draft, step: DraftStep, spec: Spec) -> Spec:
    """``spec``, and where it runs another workflow that one under the tags of ``step``."""
    if not isinstance(spec, PlannedWorkflow):
        return spec
    written = draft.tags_written[step.number]
    coming = tuple(tag for tag in draft.tags[step.number] if tag not in written)
    return replace(spec, plan=CallersTags(written, coming).plan(spec.plan))


@dataclass(frozen=True, slots=True)
class CallersTags:
    """What is ``written`` at a step that calls a workflow, or around it, and what is ``coming`` with its data."""

    written: tuple[str, ...] = ()
    coming: tuple[str, ...] = ()

    def plan(self, plan: Plan) -> Plan:
        """``plan`` with these tags at every step; a step that inherits none takes only what is written."""
        if not self.written and not self.coming:
            return plan
        graph = self._graph(plan.graph)
        rest = (plan.env, plan.digest)
        digest = plan_digest(plan.name, graph, plan.inputs, plan.limits, plan.tools, rest)
        tags = tuple(dict.fromkeys((*plan.tags, *self.written, *self.coming)))
        return replace(plan, graph=graph, digest=digest, tags=tags)

    def _graph(self, graph: PlannedGraph) -> PlannedGraph:
        return replace(
            graph,
            steps=tuple(self._step(step) for step in graph.steps),
            on_failure=None if graph.on_failure is None else self._graph(graph.on_failure),
            finally_=None if graph.finally_ is None else self._graph(graph.finally_),
        )

    def _step(self, step: PlannedStep) -> PlannedStep:
        here = self if step.inherit_tags else CallersTags(self.written)
        tags = tuple(dict.fromkeys((*step.tags, *here.written, *here.coming)))
        tagged = replace(step, tags=tags, spec=here._spec(step.spec), digest="")
        return replace(tagged, digest=step_digest(tagged))

    def _spec(self, spec: Spec) -> Spec:
        if isinstance(spec, PlannedGroup):
            return PlannedGroup(self._graph(spec.graph))
        if isinstance(spec, PlannedSwitch):
            default = None if spec.default is None else self._step(spec.default)
            cases = {name: self._step(case) for name, case in spec.cases.items()}
            return replace(spec, cases=cases, default=default)
        if isinstance(spec, PlannedWorkflow):
            return replace(spec, plan=self.plan(spec.plan))
        return spec
