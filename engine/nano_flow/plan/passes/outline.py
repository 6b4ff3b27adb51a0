"""The skeleton: every step with its address, and which steps know each other. Ids are unique along a scope chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from nano_flow.documents.steps import GroupStep, Step, SwitchStep
from nano_flow.documents.workflow import WorkflowDocument
from nano_flow.plan.draft import Draft, DraftGraph, DraftStep, Found, GraphRole, Path, problem


def outline(draft: Draft) -> tuple[Draft, Found]:
    """Number steps and graphs, outer before inner."""
    builder = _Outline(draft)
    builder.whole(draft.document, (), None, None, "")
    builder.compare()
    return replace(draft, steps=builder.steps, graphs=builder.graphs, inner=builder.inner), builder.found


class _Outline:
    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self.steps: list[DraftStep] = []
        self.graphs: list[DraftGraph] = []
        self.inner: dict[int, list[int]] = {}
        self.found: Found = []

    def whole(
        self, document: WorkflowDocument | GroupStep, at: Path, owner: int | None, outer: int | None, prefix: str
    ) -> None:
        """The steps and handlers of a file or a group."""
        main = self._graph("steps", (*at, "steps"), owner, outer, document.sequential)
        self._fill(main, document.steps, prefix)
        taken: dict[str, Path] = {}
        handlers: tuple[tuple[GraphRole, Mapping[str, Step] | None], ...] = (
            ("on_failure", document.on_failure),
            ("finally", document.finally_),
        )
        for role, steps in handlers:
            if steps:
                graph = self._graph(role, (*at, role), owner, main.number, False)
                for step_id in steps:
                    if step_id in taken:
                        self._clash(step_id, (*graph.at, step_id), taken[step_id])
                    taken[step_id] = (*graph.at, step_id)
                self._fill(graph, steps, prefix)

    def _graph(self, role: GraphRole, at: Path, owner: int | None, outer: int | None, sequential: bool) -> DraftGraph:
        graph = DraftGraph(len(self.graphs), at, role, owner, outer, sequential)
        self.graphs.append(graph)
        if owner is not None:
            self.inner.setdefault(owner, []).append(graph.number)
        return graph

    def _fill(self, graph: DraftGraph, steps: Mapping[str, Step], prefix: str) -> None:
        for step_id, document in steps.items():
            graph.ids[step_id] = self._step(graph, step_id, (*graph.at, step_id), document, prefix)

    def compare(self) -> None:
        """Ids along each scope chain; only now are the steps known that stand further down."""
        for graph in self.graphs:
            scopes = list(self._scopes_around(graph))
            for step_id, number in graph.ids.items():
                other = next((scope.ids[step_id] for scope in scopes if step_id in scope.ids), None)
                if other is not None:
                    self._clash(step_id, self.steps[number].at, self.steps[other].at)

    def _scopes_around(self, graph: DraftGraph) -> Iterator[DraftGraph]:
        outer = graph.outer
        while outer is not None:
            yield self.graphs[outer]
            outer = self.graphs[outer].outer

    def _step(
        self, graph: DraftGraph, step_id: str, at: Path, document: Step, prefix: str, case: str | None = None
    ) -> int:
        number = len(self.steps)
        path = prefix + step_id
        self.steps.append(DraftStep(number, step_id, path, at, document, graph.number, case))
        graph.steps.append(number)
        if isinstance(document, GroupStep):
            self.whole(document, at, number, graph.number, f"{path}.")
        elif isinstance(document, SwitchStep):
            self._cases(document, number, graph.number, prefix)
        return number

    def _cases(self, document: SwitchStep, owner: int, outer: int, prefix: str) -> None:
        step = self.steps[owner]
        at = (*step.at, "switch")
        branches = [((*at, "cases", name), name, case) for name, case in document.switch.cases.items()]
        if document.switch.default is not None:
            branches.append(((*at, "default"), "default", document.switch.default))
        for place, name, case in branches:
            graph = self._graph("case", place, owner, outer, False)
            self._step(graph, step.id, place, case, prefix, name)

    def _clash(self, step_id: str, at: Path, other: Path) -> None:
        line = self._draft.key(other).line
        self.found.append(
            problem(
                "NF301",
                f'the id "{step_id}" is taken: a step around this one, on line {line}, has it',
                self._draft.key(at),
                at=at,
                hint="inside a group, ids must differ from those of the steps around it",
            )
        )
