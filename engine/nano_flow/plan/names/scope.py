"""Who sees what: resolves a reference of a template to a step and to what is known of the value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nano_flow.plan.draft import Draft
from nano_flow.plan.names.members import item_of, member
from nano_flow.plan.names.outputs import body_output, output
from nano_flow.plan.places import FOR_EACH, Place
from nano_flow.plan.plan import Value
from nano_flow.plan.shape import (
    ANYTHING,
    NULL,
    NUMBER,
    TEXT,
    Described,
    ListOf,
    Missing,
    OneOf,
    Record,
    Shape,
    record,
)
from nano_flow.source.expressions import Template

RUN = record(id=TEXT, started_at=TEXT, status=TEXT)
ERROR = Record(dict.fromkeys(("class", "message", "exit_code", "stdout", "stderr"), lambda: ANYTHING))
FAILURE = ("step", "item", "class", "message")

DEEPEST = 24
"""How many values, each made of the next, are looked through; what is deeper counts as unknown."""
FUEL = 100
"""How many values are looked through for one reference: branches of branches would multiply."""
MOST_ITEMS = 20

Members = dict[str, Callable[[], Shape]]


@dataclass(frozen=True, slots=True)
class Lost:
    """A reference that leads nowhere: the part ``at`` of its path, and why."""

    at: int
    reason: str
    names: tuple[str, ...] = ()


class Scope:
    """Answers what a name stands for, at any place of one file."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self._depth = 0
        self._fuel = FUEL
        self.records: dict[int, Record] = {}
        self._bindings: dict[int, Members] = {}
        inputs = draft.document.inputs or {}
        self._inputs = {name: _input(draft, name) for name in inputs}

    def resolve(self, path: tuple[str, ...], place: Place, step: int | None, tool: str = "") -> Shape | Lost:
        """The shape of what ``path`` names."""
        if self._depth == 0:
            self._fuel = FUEL
        self._depth += 1
        try:
            return self._resolve(path, place, step, tool)
        finally:
            self._depth -= 1

    def _resolve(self, path: tuple[str, ...], place: Place, step: int | None, tool: str) -> Shape | Lost:
        if path[0] == "steps" and place.steps:
            return self._step(path, place, step)
        names = self.names(place, step, tool)
        make = names.get(path[0])
        if make is None:
            return Lost(0, "name", (*names, *(("steps",) if place.steps else ())))
        return self._walk(make(), path, 1)

    def names(self, place: Place, step: int | None, tool: str = "") -> Members:
        """Every name but ``steps`` that a template at ``place`` of ``step`` sees."""
        names: Members = {
            "inputs": lambda: Record(self._inputs),
            "env": lambda: Record(dict.fromkeys(self.draft.document.env or (), _text)),
            "run": lambda: RUN,
        }
        if place.args:
            names["args"] = lambda: self._arguments(tool)
        if step is None:
            if place.output:
                names["output"] = lambda: self.inner_outputs(0)
            return names
        graph = self.draft.steps[step].graph
        names |= self._around(graph)
        if place.item or place.loop:
            names |= self._own(step, item=place.item, loop=place.loop)
        if place.output:
            names["output"] = lambda: body_output(self, step)
        if place.error:
            names["error"] = lambda: ERROR
        return names

    def find(self, step_id: str, place: Place, step: int | None) -> int | None:
        """The step that ``steps.ID`` is, seen from ``place`` of ``step``."""
        if step is None:
            return self.draft.graphs[0].ids.get(step_id)
        graphs = self.draft.graphs
        if place.inner:
            for number in self.draft.inner.get(step, ()):
                if graphs[number].role == "steps" and step_id in graphs[number].ids:
                    return graphs[number].ids[step_id]
        graph: int | None = self.draft.steps[step].graph
        while graph is not None:
            if step_id in graphs[graph].ids:
                return graphs[graph].ids[step_id]
            graph = graphs[graph].outer
        return None

    def visible(self, place: Place, step: int | None) -> list[str]:
        """The ids of all steps that ``place`` of ``step`` sees."""
        graphs = self.draft.graphs
        graph: int | None = 0 if step is None else self.draft.steps[step].graph
        ids: list[str] = []
        if step is not None and place.inner:
            ids.extend(name for number in self.draft.inner.get(step, ()) for name in graphs[number].ids)
        while graph is not None:
            ids.extend(graphs[graph].ids)
            graph = graphs[graph].outer
        return ids

    def output_of(self, step: int) -> Shape:
        """The shape of a step's output."""
        return output(self, step)

    def shape_of(self, value: Value, place: Place, step: int | None) -> Shape:
        """What is known of a value with templates in it."""
        if isinstance(value, Template):
            return self._template(value, place, step)
        if isinstance(value, dict):
            return Record({key: self._later(inner, place, step) for key, inner in value.items()})
        if isinstance(value, list):
            return ListOf(self._items(value, place, step))
        if isinstance(value, str):
            return TEXT
        return NULL if value is None else NUMBER

    def inner_outputs(self, graph: int) -> Record:
        """The outputs of all steps of a graph, by id."""
        if graph not in self.records:
            ids = self.draft.graphs[graph].ids
            self.records[graph] = Record({name: self._output_later(number) for name, number in ids.items()})
        return self.records[graph]

    def _items(self, values: list[Value], place: Place, step: int | None) -> Shape:
        if not values or len(values) > MOST_ITEMS or any(isinstance(value, Template) for value in values):
            return ANYTHING
        return OneOf(tuple(self.shape_of(value, place, step) for value in values))

    def _template(self, template: Template, place: Place, step: int | None) -> Shape:
        if template.form in ("text", "literal"):
            # A literal is what became of a template that was refused: nothing more is to be said about it.
            return TEXT if template.form == "text" else ANYTHING
        bare = template.source.strip().removeprefix("{{").removesuffix("}}").strip()
        if len(template.references) != 1 or bare != ".".join(template.references[0]):
            return ANYTHING
        if self._depth >= DEEPEST or (self._depth and self._fuel <= 0):
            return ANYTHING
        self._fuel -= 1
        found = self.resolve(template.references[0], place, step)
        return ANYTHING if isinstance(found, Lost) else found

    def _step(self, path: tuple[str, ...], place: Place, step: int | None) -> Shape | Lost:
        if len(path) == 1:
            return Lost(0, "steps")
        target = self.find(path[1], place, step)
        if target is None:
            return Lost(1, "step")
        return self._walk(self._about(target), path, 2)

    def _about(self, step: int) -> Record:
        document = self.draft.steps[step].document
        members: Members = {"output": lambda: output(self, step), **_ABOUT_ANY_STEP}
        if document.kind == "switch":
            members["case"] = _text
        return Record(members)

    def _walk(self, shape: Shape, path: tuple[str, ...], start: int) -> Shape | Lost:
        for position in range(start, len(path)):
            found = member(shape, path[position])
            if isinstance(found, Missing):
                return Lost(position, found.reason, found.names)
            shape = found
        return shape

    def _around(self, graph: int) -> Members:
        """What the steps of ``graph`` see because of the steps and handlers around them."""
        if graph not in self._bindings:
            here = self.draft.graphs[graph]
            names: Members = {}
            if here.owner is not None:
                names |= self._around(self.draft.steps[here.owner].graph)
                names |= self._own(here.owner, item=True, loop=True)
            if here.role in ("on_failure", "finally"):
                names["failure"] = lambda: Record(dict.fromkeys(FAILURE, _anything))
            self._bindings[graph] = names
        return self._bindings[graph]

    def _own(self, step: int, *, item: bool, loop: bool) -> Members:
        document = self.draft.steps[step].document
        names: Members = {}
        if item and document.for_each is not None:
            names[document.as_ or "item"] = lambda: self._item(step)
            names["index"] = _number
        if loop and document.repeat is not None:
            values: Members = {"iteration": _number, "previous": lambda: body_output(self, step)}
            if document.repeat.as_ is None:
                names |= values
            else:
                names[document.repeat.as_] = lambda: Record(values)
        return names

    def _item(self, step: int) -> Shape:
        return item_of(self.shape_of(self.draft.fields[step].get("for_each"), FOR_EACH, step))

    def _arguments(self, tool: str) -> Shape:
        schema = self.draft.schemas.get(("tools", tool, "parameters"))
        return record() if schema is None else Described(dict(schema), dict(schema))

    def _later(self, value: Value, place: Place, step: int | None) -> Callable[[], Shape]:
        return lambda: self.shape_of(value, place, step)

    def _output_later(self, step: int) -> Callable[[], Shape]:
        return lambda: output(self, step)


def _input(draft: Draft, name: str) -> Callable[[], Shape]:
    def shape() -> Shape:
        schema = draft.source.value(("inputs", name))
        return Described(schema, schema) if isinstance(schema, dict) else ANYTHING

    return shape


def _text() -> Shape:
    return TEXT


def _number() -> Shape:
    return NUMBER


def _anything() -> Shape:
    return ANYTHING


_ABOUT_ANY_STEP: Members = {
    "status": _text,
    "error": lambda: ERROR,
    "reason": _text,
    "errors": lambda: ListOf(ANYTHING),
    "model": _text,
    "cost_usd": _text,
}
