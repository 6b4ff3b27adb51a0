"""Digests of what a plan does: positions, comments, descriptions and the order of keys do not count."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from hashlib import sha256
from operator import attrgetter
from typing import cast

from nano_flow.core.messages import Json
from nano_flow.plan.call_specs import ReplySpec, RouteSpec
from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.plan.plan import Plan, PlannedGraph, PlannedInput, PlannedLimits, PlannedStep, PlannedToolSource, Value
from nano_flow.source.expressions import Template

_IGNORED = frozenset(
    {
        *("where", "digest", "description", "path", "file", "files", "workspace", "order", "keep_prompts"),
        *("read_by_others", "runs_on", "queue_s"),
    }
)


def step_digest(step: PlannedStep) -> str:
    """The digest of one step's own definition; steps inside it count by their digests."""
    return _sha256(_plain(step))


def digest_of(value: object) -> str:
    """The digest of planned types and plain data."""
    return _sha256(value)


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
    return f"sha256:{sha256(_ENCODER.encode(value).encode('utf-8', 'surrogatepass')).hexdigest()}"


def _plain(value: object) -> Json:
    """What ``json`` does not know: planned types as the fields that differ from their defaults."""
    if isinstance(value, Template):
        return {"template": value.source, "form": value.form}
    if isinstance(value, PlannedGraph):
        return _graph(value)
    if isinstance(value, Plan):
        return value.digest
    kind: type = type(value)
    counted = _counted(kind)
    named: dict[str, object] = {"": kind.__name__}
    for name, here, default in zip(counted.names, counted.read(value), counted.defaults, strict=True):
        if here is not default and here != default:
            named[name] = here
    return cast(Json, named)


def _graph(graph: PlannedGraph) -> Json:
    digests: dict[str, object] = {
        "steps": {step.id: step.digest for step in graph.steps},
        "outputs": graph.outputs if graph.has_outputs else False,
        "on_failure": graph.on_failure,
        "finally": graph.finally_,
    }
    return cast(Json, digests)


_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain)


@dataclass(frozen=True, slots=True)
class _Counted:
    """The fields of a planned type that count, how to read them all at once, and their defaults."""

    names: tuple[str, ...]
    read: Callable[[object], tuple[object, ...]]
    defaults: tuple[object, ...]


@lru_cache(maxsize=64)
def _counted(kind: type) -> _Counted:
    counted = dict(_paths(kind))
    names = tuple(path.rpartition(".")[2] for path in counted)
    # Read with one field more, so that the result is a tuple also where only one counts.
    read = attrgetter(*counted, "__class__")
    return _Counted((*names, "class"), read, (*counted.values(), kind))


def _paths(kind: type, prefix: str = "") -> Iterator[tuple[str, object]]:
    """The fields that count, with their defaults; those of a call's specs stand beside the step's own.

    The digests of runs that wait in a store were made when these fields were the step's own.
    """
    inside = {"route": RouteSpec, "reply": ReplySpec} if kind is PlannedPrompt else {}
    for field in fields(kind):
        if field.name in inside:
            yield from _paths(inside[field.name], f"{field.name}.")
        elif field.name not in _IGNORED:
            yield f"{prefix}{field.name}", None if field.default is MISSING else field.default
