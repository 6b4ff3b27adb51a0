"""What a server offers: which workflows as tools, which rights, how much money a call may cost."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json
from nano_flow.core.money import Money, money
from nano_flow.operations.place import Place
from nano_flow.operations.project.offering import Opening, open_for_callers

AGENT_TOOL = "prompt_nano_agent"
BUILT_IN = frozenset({AGENT_TOOL, "plan_workflow", "start_run", "get_run", "answer", "cancel_run", "explain_model"})
USUAL_BUDGET = money("0.50")
RIGHTS = ("answer", "run")
_NO_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class OfferedWorkflow:
    """A workflow as a tool; ``path`` is absolute, schemas are JSON Schema objects."""

    name: str
    path: str
    description: str
    input_schema: Mapping[str, Json] = field(repr=False)
    output_schema: Mapping[str, Json] | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Offer:
    """Everything that a server may do. ``budget`` bounds one call; ``folder`` is where the agent's files lie."""

    workflows: Mapping[str, OfferedWorkflow]
    folder: Path
    place: Place
    budget: Money = USUAL_BUDGET
    allow: frozenset[str] = frozenset()
    offline: bool = False

    def workflow(self, name: str) -> OfferedWorkflow:
        """The offered workflow of this name. Raises UsageError that lists those there are."""
        found = self.workflows.get(name)
        if found is None:
            offered = ", ".join(self.workflows) or 'none: name workflows after "nano-flow mcp"'
            raise UsageError(f'the workflow "{name}" is not offered; offered are: {offered}')
        return found


def offered(paths: Sequence[str], place: Place) -> dict[str, OfferedWorkflow]:
    """The workflows of ``paths`` by the names of their tools. Raises DocumentError, UsageError for two of one name."""
    found: dict[str, OfferedWorkflow] = {}
    for path in paths:
        workflow = _offered(path, open_for_callers(place, path))
        if workflow.name in found or workflow.name in BUILT_IN:
            other = found[workflow.name].path if workflow.name in found else "a tool of nano-flow itself"
            raise UsageError(f'two tools would be named "{workflow.name}": {path} and {other}; rename the workflow')
        found[workflow.name] = workflow
    return found


def _offered(path: str, opened: Opening) -> OfferedWorkflow:
    name = _NO_NAME.sub("-", opened.name).strip("-.") or "workflow"
    description = opened.description or f"Runs the workflow {opened.name}."
    return OfferedWorkflow(name, str(Path(path).absolute()), description, opened.inputs, opened.outputs)
