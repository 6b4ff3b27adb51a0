"""What a call tells: text for a model, data for a program, the run's figures beside both."""

from __future__ import annotations

import json
from collections.abc import Mapping

import mcp_types as types

from nano_flow.core.messages import Json
from nano_flow.core.shown.event_json import finite

RUN_META = "nano-flow/run"


def told(data: Json, *, meta: Mapping[str, Json] | None = None, note: str = "") -> types.CallToolResult:
    """A result: structured where it is an object, and always as text; ``note`` stands below it."""
    data = finite(data)
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, indent=1)
    texts = [text, *([note] if note else [])]
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=part) for part in texts],
        structured_content=data if isinstance(data, dict) else None,
        _meta={RUN_META: dict(meta)} if meta else None,
    )


def failed(message: str, *, meta: Mapping[str, Json] | None = None) -> types.CallToolResult:
    """An error that the model may read and mend."""
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=message)],
        is_error=True,
        _meta={RUN_META: dict(meta)} if meta else None,
    )


def summary(document: Mapping[str, Json]) -> dict[str, Json]:
    """The figures of a run that a host may want beside its outputs."""
    kept = ("run_id", "workflow", "status", "simulated", "duration_s", "stop", "cost", "usage")
    return {name: document[name] for name in kept if name in document}
