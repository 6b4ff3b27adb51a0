"""What is drawn of a plan: boxes of nodes and the edges between them, with every text made fit to be shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nano_flow.core.shown.printable import clip
from nano_flow.plan.analysis import essential_edges
from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.plan.kinds.steps import PlannedGroup
from nano_flow.plan.kinds.switch import PlannedSwitch
from nano_flow.plan.kinds.workflow import PlannedWorkflow
from nano_flow.plan.plan import Plan, PlannedGraph, PlannedStep, Value
from nano_flow.source.expressions import Template

NOTE_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Edge:
    """Two positions in ``Box.nodes``; ``declared`` where ``needs`` names it, else a template refers to it."""

    source: int
    target: int
    declared: bool


@dataclass(frozen=True, slots=True)
class Node:
    """One step. ``path`` is its address without indices, ``boxes`` what stands inside it."""

    path: str
    title: str
    kind: str
    notes: tuple[str, ...] = ()
    boxes: tuple[Box, ...] = ()
    status: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """Steps that know each other, in an order in which each comes after what it waits for."""

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole drawing: ``boxes`` are the steps of the file and its handlers."""

    title: str
    boxes: tuple[Box, ...]


def build_scene(
    plan: Plan, statuses: Mapping[str, str] | None = None, figures: Mapping[str, str] | None = None
) -> Scene:
    """What to draw of ``plan``; ``statuses`` colours steps by their path (``audit.scan`` → ``failed``)."""
    return _SceneBuilder(statuses or {}, figures or {}).scene(plan)


class _SceneBuilder:
    """Expands each sub-workflow once, so that files which call each other twice stay a small drawing."""

    def __init__(self, statuses: Mapping[str, str], figures: Mapping[str, str]) -> None:
        self._statuses = statuses
        self._figures = figures
        self._drawn: set[str] = set()

    def scene(self, plan: Plan) -> Scene:
        self._drawn.add(plan.file)
        return Scene(clip(plan.name, NOTE_LENGTH), self._boxes(plan.graph, ""))

    def _boxes(self, graph: PlannedGraph, prefix: str) -> tuple[Box, ...]:
        boxes = [self._box("", graph, prefix)]
        for title, handler in (("on failure", graph.on_failure), ("finally", graph.finally_)):
            if handler is not None:
                boxes.append(self._box(title, handler, prefix))
        return tuple(boxes)

    def _box(self, title: str, graph: PlannedGraph, prefix: str) -> Box:
        by_id = {step.id: step for step in graph.steps}
        ordered = [by_id[name] for name in graph.order] if graph.order else list(graph.steps)
        number = {step.id: position for position, step in enumerate(ordered)}
        pairs = {
            (number[name], number[step.id]): name in step.needs
            for step in ordered
            for name in (*step.references, *step.needs)
        }
        kept = essential_edges(len(ordered), pairs)
        edges = tuple(Edge(source, target, pairs[source, target]) for source, target in kept)
        return Box(title, tuple(self._node(step, prefix) for step in ordered), edges)

    def _node(self, step: PlannedStep, prefix: str, title: str = "") -> Node:
        path = f"{prefix}{step.path}"
        return Node(
            path=path,
            title=clip(title or step.id, NOTE_LENGTH),
            kind=step.kind,
            notes=(*_notes(step), *self._figure(path)),
            boxes=self._inside(step, path, prefix),
            status=self._statuses.get(path, ""),
        )

    def _figure(self, path: str) -> tuple[str, ...]:
        figure = self._figures.get(path)
        return (clip(figure, NOTE_LENGTH),) if figure else ()

    def _inside(self, step: PlannedStep, path: str, prefix: str) -> tuple[Box, ...]:
        spec = step.spec
        if isinstance(spec, PlannedGroup):
            return self._boxes(spec.graph, prefix)
        if isinstance(spec, PlannedWorkflow):
            if spec.plan.file in self._drawn:
                return ()
            self._drawn.add(spec.plan.file)
            return self._boxes(spec.plan.graph, f"{path}.")
        if isinstance(spec, PlannedSwitch):
            cases = [(f"case {name}", case) for name, case in spec.cases.items()]
            if spec.default is not None:
                cases.append(("default", spec.default))
            return tuple(Box("", (self._node(case, prefix, name),)) for name, case in cases)
        return ()


def _notes(step: PlannedStep) -> tuple[str, ...]:
    return tuple(clip(note, NOTE_LENGTH) for make in _NOTES if (note := make(step)))


def _for_each(step: PlannedStep) -> str:
    if step.for_each is None:
        return ""
    rows = step.for_each.rows
    return f"for each {step.for_each.name} in {short_template(step.for_each.over if rows is None else rows)}"


def _repeat(step: PlannedStep) -> str:
    if step.repeat is None:
        return ""
    until = f" until {short_template(step.repeat.until)}" if step.repeat.until is not None else ""
    return f"repeat at most {step.repeat.max_iterations} times{until}"


def _model(step: PlannedStep) -> str:
    spec = step.spec
    return f"model {spec.route.model}" if isinstance(spec, PlannedPrompt) and spec.route.model != "auto" else ""


def _about(step: PlannedStep) -> str:
    spec = step.spec
    if isinstance(spec, PlannedSwitch):
        return f"by {short_template(spec.value)}"
    return f"file {spec.plan.file}" if isinstance(spec, PlannedWorkflow) else ""


_NOTES: tuple[Callable[[PlannedStep], str], ...] = (
    _about,
    lambda step: f"when {short_template(step.when)}" if step.when is not None else "",
    lambda step: f"trigger_rule {step.trigger_rule}" if step.trigger_rule != "all_success" else "",
    _for_each,
    _repeat,
    _model,
)


def short_template(value: Value) -> str:
    """A template as its author wrote it, without the braces of a lone expression; other data as JSON."""
    if isinstance(value, Template):
        text = value.source.strip()
        if text.startswith("{{") and text.endswith("}}") and "{{" not in text[2:]:
            return text[2:-2].strip()
        return text
    from nano_flow.plan.freezing.digest import canonical

    return canonical(value)
