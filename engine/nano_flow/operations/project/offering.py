"""What a caller has to know of a workflow: its name, what it takes, what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nano_flow.core.messages import Json
from nano_flow.operations.place import Place
from nano_flow.plan.plan import Plan, PlannedInput
from nano_flow.project.opening import open_workflow


@dataclass(frozen=True, slots=True)
class Opening:
    """A workflow as others call it; ``inputs`` and ``outputs`` are JSON Schemas of objects."""

    name: str
    description: str
    inputs: Mapping[str, Json] = field(repr=False)
    outputs: Mapping[str, Json] | None = field(repr=False)
    """None where the outputs are one value of any kind."""


def open_for_callers(place: Place, path: str) -> Opening:
    """Read and check the workflow at ``path``. Raises DocumentError."""
    plan = open_workflow(path, place.config_dir).plan
    return Opening(plan.name, plan.description, inputs_schema(plan), outputs_schema(plan))


def inputs_schema(plan: Plan) -> dict[str, Json]:
    """The inputs of a workflow as one closed object."""
    required: list[Json] = [name for name, given in plan.inputs.items() if given.required]
    schema: dict[str, Json] = {
        "type": "object",
        "properties": {name: _property(given) for name, given in plan.inputs.items()},
        "additionalProperties": False,
    }
    return {**schema, "required": required} if required else schema


def _property(given: PlannedInput) -> Json:
    schema = dict(given.schema)
    if not given.required and given.default is not None:
        schema["default"] = given.default
    return schema


def outputs_schema(plan: Plan) -> dict[str, Json] | None:
    """The outputs of a workflow as an object of which each may be anything; None where they are one value."""
    outputs = plan.graph.outputs
    if not plan.graph.has_outputs or not isinstance(outputs, Mapping):
        return None
    names: list[Json] = [str(name) for name in outputs]
    return {"type": "object", "properties": {str(name): {} for name in outputs}, "required": names}
