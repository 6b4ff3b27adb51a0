"""What a plan has to know of a kind of step, and the tools that the kinds share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from nano_flow.core.messages import Json
from nano_flow.documents.steps import Step
from nano_flow.plan.draft import Draft, DraftStep, Path
from nano_flow.plan.places import Place
from nano_flow.plan.plan import PlannedStep, Value
from nano_flow.plan.shape import ANYTHING, NULL, Described, Record, Shape
from nano_flow.source.expressions import Template

if TYPE_CHECKING:
    from nano_flow.plan.kinds.table import Spec

Fields = dict[str, Value]
"""The templates of a step, by names that its kind gives them."""
Built = Mapping[int, PlannedStep]
"""Number of a step → the step, for all that are built already."""


class Reader(Protocol):
    """Checks what stands under ``keys`` of the step at hand."""

    def text(self, keys: Path, source: str, place: Place) -> Template:
        """A template."""

    def expression(self, keys: Path, source: str, place: Place) -> Template:
        """An expression."""

    def value(self, keys: Path, data: object, place: Place) -> Value:
        """Data with templates in it."""

    def prompt_elsewhere(self, keys: Path, place: Place) -> Template:
        """The template in a file, or under ``shared``."""


class Scope(Protocol):
    """What is known of the other values of the file."""

    draft: Draft

    def shape_of(self, value: Value, place: Place, step: int | None) -> Shape:
        """The shape of a value with templates in it."""

    def inner_outputs(self, graph: int) -> Record:
        """The outputs of all steps of a graph, by id."""

    def output_of(self, step: int) -> Shape:
        """The shape of a step's output."""


def no_output(scope: Scope, step: int) -> Shape:
    """The step has no output."""
    return NULL


@dataclass(frozen=True, slots=True)
class PlannedKind:
    """One kind of step.

    ``document`` says it in a workflow, ``spec`` in a plan. ``read`` takes a document of the kind, and puts each of its
    templates into the fields; ``freeze`` makes the spec of them, the steps inside are built already. ``output`` tells
    what other steps may name.
    """

    document: type[Step]
    spec: type[Spec]
    read: Callable[..., None]
    freeze: Callable[[Draft, DraftStep, Built], Spec]
    output: Callable[[Scope, int], Shape] = no_output


def template(value: Value) -> Template | None:
    """The template that a field holds, if any."""
    return value if isinstance(value, Template) else None


def templates(value: Value) -> tuple[Template, ...]:
    """The templates that a field holds as a list."""
    return tuple(item for item in value if isinstance(item, Template)) if isinstance(value, list) else ()


def required(fields: Mapping[str, Value], name: str) -> Template:
    """The template of a field that the kind cannot be without."""
    value = fields[name]
    assert isinstance(value, Template)
    return value


def output_schema(draft: Draft, step: DraftStep) -> Mapping[str, Json] | None:
    """The ``output_schema`` of a step, read from its file where it has one."""
    if getattr(step.document, "output_schema", None) is None:
        return None
    return draft.schemas.get(draft.written(step.number, "output_schema"))


def described(scope: Scope, step: int) -> Shape | None:
    """The shape that a step's ``output_schema`` gives; None where it has none."""
    draft = scope.draft
    if getattr(draft.steps[step].document, "output_schema", None) is None:
        return None
    schema = output_schema(draft, draft.steps[step])
    # A schema whose file could not be read was reported; here it admits everything.
    return ANYTHING if schema is None else Described(dict(schema), dict(schema))
