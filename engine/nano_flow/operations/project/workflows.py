"""The workflows of a project: those that service.yaml names, and those that lie below its folder."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.errors import DocumentError, UsageError
from nano_flow.core.messages import Json
from nano_flow.documents.gate.kinds import kind_of_document
from nano_flow.operations.place import Place
from nano_flow.operations.service.inforce import Service, service_of
from nano_flow.plan.plan import PlannedInput
from nano_flow.project.files import read_document
from nano_flow.project.finding import find_documents
from nano_flow.project.opening import open_workflow
from nano_flow.source.yaml_nodes import read_yaml

_MOST = 200
_SHOWN = 8
"""Keys that a message names."""


@dataclass(frozen=True, slots=True)
class WorkflowEntry:
    """One workflow. ``key`` names it in addresses: its name in service.yaml, else its path below the project."""

    key: str
    path: Path
    served: str = ""
    """Its name in service.yaml; "" where it has none."""


@dataclass(frozen=True, slots=True)
class WorkflowCard:
    """What can be said of a workflow without running it."""

    entry: WorkflowEntry
    name: str
    description: str
    inputs: Mapping[str, PlannedInput] = field(default_factory=dict)
    findings: tuple[Diagnostic, ...] = ()

    @property
    def runs(self) -> bool:
        """False where its findings say that it cannot."""
        return not any(finding.severity == "error" for finding in self.findings)

    def schema(self, given: Mapping[str, Json] | None = None) -> dict[str, Json]:
        """The inputs as one JSON Schema, those that are secret left out; ``given`` stand in it as defaults."""
        properties: dict[str, Json] = {}
        for name, spec in self.inputs.items():
            if spec.secret:
                continue
            default = (given or {}).get(name, spec.default)
            shown = {} if default is None else {"default": default}
            properties[name] = {**spec.schema, **shown}
        needed = (name for name, spec in self.inputs.items() if spec.required and not spec.secret)
        required: list[Json] = [name for name in needed if name not in (given or {})]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def workflows_of(place: Place) -> list[WorkflowEntry]:
    """The workflows, those of service.yaml first. Raises DocumentError where service.yaml is wrong."""
    service = service_of(place)
    named = [WorkflowEntry(name, service.file_of(name), name) for name in service.workflows]
    known = {entry.path for entry in named}
    found = [path.resolve() for path in find_documents([place.current]) if path.resolve() not in known]
    others = [path for path in found if _is_workflow(path)]
    return [*named, *(WorkflowEntry(str(path.relative_to(place.current.resolve())), path) for path in others[:_MOST])]


def find_workflow(place: Place, key: str) -> WorkflowEntry:
    """The workflow of that key: nothing else can be asked for. Raises UsageError."""
    listed = workflows_of(place)
    entries = {entry.key: entry for entry in listed}
    # A file that service.yaml names may be asked for by its path, too.
    here = place.current.resolve()
    files = {str(entry.path.relative_to(here)): entry for entry in listed if entry.path.is_relative_to(here)}
    found = entries.get(key) or files.get(key)
    if found is None:
        raise UsageError(f'this project has no workflow "{key}"; it has {_named(entries)}')
    return found


def _named(keys: Collection[str]) -> str:
    shown = [f'"{key}"' for key in sorted(keys)[:_SHOWN]]
    return ", ".join(shown) + (" …" if len(keys) > _SHOWN else "") if shown else "none"


def card_of(place: Place, entry: WorkflowEntry) -> WorkflowCard:
    """What its file says, and what is wrong with it."""
    try:
        opened = open_workflow(str(entry.path), place.config_dir)
    except DocumentError as error:
        return WorkflowCard(entry, entry.key, "", {}, error.diagnostics)
    plan = opened.plan
    return WorkflowCard(entry, plan.name, plan.description, plan.inputs, opened.warnings)


def given_by_service(service: Service, entry: WorkflowEntry) -> Mapping[str, Json]:
    """The inputs that service.yaml gives it."""
    return service.workflows[entry.served].inputs or {} if entry.served else {}


def _is_workflow(path: Path) -> bool:
    try:
        data = read_yaml(read_document(str(path)), str(path)).data
    except DocumentError:
        return False
    return kind_of_document(path.name, data) == "workflow"
