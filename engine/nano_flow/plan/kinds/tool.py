"""``tool``: one call of a tool, without a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nano_flow.core.messages import Json
from nano_flow.documents.steps import ToolStep
from nano_flow.plan.draft import Draft, DraftStep
from nano_flow.plan.kinds.kind import Built, Fields, PlannedKind, Reader, Scope, described, output_schema
from nano_flow.plan.places import BODY
from nano_flow.plan.plan import Value
from nano_flow.plan.shape import ANYTHING, Shape


@dataclass(frozen=True, slots=True)
class PlannedTool:
    """One call of a tool, without a model."""

    tool: str
    arguments: Value
    output_schema: Mapping[str, Json] | None = None


def _read(document: ToolStep, fields: Fields, read: Reader) -> None:
    fields["with"] = read.value(("with",), document.with_ or {}, BODY)


def _freeze(draft: Draft, step: DraftStep, built: Built) -> PlannedTool:
    assert isinstance(step.document, ToolStep)
    return PlannedTool(step.document.tool, draft.fields[step.number]["with"], output_schema(draft, step))


def _output(scope: Scope, step: int) -> Shape:
    return described(scope, step) or ANYTHING


KIND = PlannedKind(ToolStep, PlannedTool, _read, _freeze, _output)
