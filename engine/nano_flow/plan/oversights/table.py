"""All oversights that are looked for, once a workflow compiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.plan.draft import Draft, Found
from nano_flow.plan.oversights.models import undeclared_models
from nano_flow.plan.oversights.unused import unused_inputs, unused_outputs, unused_shared
from nano_flow.plan.oversights.written import foreign_braces, whole_steps

MOST = 50
"""Warnings of one kind: a generated file that does one thing 10,000 times is told of it often enough."""

OVERSIGHTS: tuple[Callable[[Draft], Iterator[Diagnostic]], ...] = (
    whole_steps,
    foreign_braces,
    unused_inputs,
    unused_outputs,
    unused_shared,
    undeclared_models,
)


def oversights(draft: Draft) -> Found:
    """The warnings; only of a draft without errors, whose templates could all be read."""
    return [warning for look in OVERSIGHTS for warning, _ in zip(look(draft), range(MOST), strict=False)]
