"""What a server says of the arguments of a tool, checked when the tool is listed and not when a model calls it."""

from __future__ import annotations

import functools
import json

from nano_flow.core.errors import StepError
from nano_flow.plan.checks.schemas.rules import check_schema
from nano_flow.ports import Tool

_JUDGED_BY_THE_SERVER = ("pattern", "patternProperties", "$id", "exclusiveMinimum", "exclusiveMaximum", "items")
"""Keywords of which servers write older or richer forms: what we cannot judge by them, the server judges itself."""


def usable(tool: Tool) -> Tool:
    """``tool``. Raises StepError where its parameters are no schema that values can be judged by."""
    fault = _fault(json.dumps(tool.spec.parameters, sort_keys=True))
    if fault:
        name = tool.spec.name
        message = f'the parameters that the server gives for "{name}" are no usable JSON Schema: {fault}'
        raise StepError("tool", f"{message}; list the tools that you need by their names, without this one")
    return tool


@functools.lru_cache(maxsize=512)
def _fault(parameters: str) -> str:
    for fault in check_schema(json.loads(parameters)):
        if fault.warning or (fault.path and fault.path[-1] in _JUDGED_BY_THE_SERVER):
            continue
        at = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in fault.path).lstrip(".")
        return f"{at}: {fault.message}" if at else fault.message
    return ""
