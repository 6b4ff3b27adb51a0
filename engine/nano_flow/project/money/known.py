"""What is known of a run before it starts: the values that follow from its inputs alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json
from nano_flow.plan.plan import Plan, Value
from nano_flow.pricing.forecast.visits import Known
from nano_flow.runtime.templates import render
from nano_flow.source.expressions import Template


@dataclass(frozen=True, slots=True)
class KnownInputs:
    """An ``Evaluator``: ``inputs`` are those whose values are known; secrets never are."""

    inputs: Mapping[str, Json]
    items: Mapping[str, Json] = field(default_factory=dict)
    """Items of fan-outs, by their names."""

    def value(self, template: Template) -> Known | None:
        """What ``template`` will be, or None where it needs more than known inputs."""
        for path in template.references:
            if path[0] in self.items:
                continue
            if path[0] != "inputs" or len(path) < 2 or path[1] not in self.inputs:
                return None
        try:
            return Known(render(template, {"inputs": self.inputs, **self.items}))
        except StepError:
            return None

    def with_item(self, name: str, value: Json) -> KnownInputs:
        """The same for one item of a fan-out."""
        return replace(self, items={**self.items, name: value})

    def inside(self, plan: Plan, inputs: Mapping[str, Value]) -> KnownInputs:
        """The same inside a sub-workflow that is given ``inputs``."""
        given = {name: found.value for name, value in inputs.items() if (found := self._plain(value)) is not None}
        return KnownInputs(known_inputs(plan, given))

    def _plain(self, value: Value) -> Known | None:
        """``value`` with its templates rendered, or None where one of them is not known."""
        if isinstance(value, Template):
            return self.value(value)
        if isinstance(value, list):
            items = [self._plain(item) for item in value]
            return None if None in items else Known([item.value for item in items if item is not None])
        if isinstance(value, dict):
            members = {name: self._plain(member) for name, member in value.items()}
            if None in members.values():
                return None
            return Known({name: member.value for name, member in members.items() if member is not None})
        return Known(value)


def known_inputs(plan: Plan, given: Mapping[str, Json]) -> dict[str, Json]:
    """Given values and defaults of the inputs of ``plan``; what is required and not given stays unknown."""
    known: dict[str, Json] = {}
    for name, spec in plan.inputs.items():
        if spec.secret:
            continue
        if name in given:
            known[name] = given[name]
        elif not spec.required:
            known[name] = spec.default
    return known
