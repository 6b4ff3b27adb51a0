"""Digests of what a plan does: positions, comments, descriptions and the order of keys do not count."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache
from hashlib import sha256
from typing import cast

from nano_flow.core.messages import Json
from nano_flow.plan.plan import (
    Plan,
    PlannedGraph,
    PlannedInput,
    PlannedLimits,
    PlannedStep,
    PlannedToolSource,
    Value,
)
from nano_flow.source.expressions import Template

_IGNORED = frozenset({"where", "digest", "description", "path", "file", "files", "workspace", "order"})


def step_digest(step: PlannedStep) -> str:
    """The digest of one step's own definition; steps inside it count by their digests."""
    return _sha256(_plain(step))


def plan_digest(
    name: str,
    graph: PlannedGraph,
    inputs: Mapping[str, PlannedInput],
    limits: PlannedLimits,
    tools: Mapping[str, PlannedToolSource],
    rest: object,
) -> str:
    """The digest of all that a plan does; ``rest`` is plain data that counts too."""
    described = {name: tool.description for name, tool in tools.items()}  # models read it
    return _sha256([name, _graph(graph), inputs, limits, tools, described, rest])


def canonical(value: Value) -> str:
    """``value`` as JSON with sorted keys; templates as they were written."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_source)


def _source(value: object) -> object:
    return value.source if isinstance(value, Template) else str(value)


def _sha256(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain)
    return f"sha256:{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _plain(value: object) -> Json:
    """What ``json`` does not know: planned types as the fields that differ from their defaults."""
    if isinstance(value, Template):
        return {"template": value.source, "form": value.form}
    if isinstance(value, PlannedGraph):
        return _graph(value)
    if isinstance(value, Plan):
        return value.digest
    if is_dataclass(value):
        named: dict[str, object] = {"": value.__class__.__name__}
        kind: type = type(value)
        for name, default in _fields(kind):
            here = getattr(value, name)
            if here is not default and here != default:
                named[name] = here
        return cast(Json, named)
    return cast(Json, dict(cast("Mapping[str, Json]", value)))


def _graph(graph: PlannedGraph) -> Json:
    digests: dict[str, object] = {
        "steps": {step.id: step.digest for step in graph.steps},
        "outputs": graph.outputs if graph.has_outputs else False,
        "on_failure": graph.on_failure,
        "finally": graph.finally_,
    }
    return cast(Json, digests)


@lru_cache(maxsize=64)
def _fields(kind: type) -> tuple[tuple[str, object], ...]:
    """The fields of a planned type that count, with their defaults."""
    counted = [field for field in fields(kind) if field.name not in _IGNORED]
    return tuple((field.name, None if field.default is MISSING else field.default) for field in counted)
