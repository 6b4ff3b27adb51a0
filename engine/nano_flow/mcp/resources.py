"""Runs as resources: ``nano-flow://runs/ID`` is ``nano-flow/run@1``."""

from __future__ import annotations

import json
import re

import mcp_types as types

from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json
from nano_flow.core.shown.event_json import finite
from nano_flow.core.text import rfc3339
from nano_flow.mcp.offer import Offer
from nano_flow.operations.runs.reading import list_runs, show_run
from nano_flow.ports.store import RunFilter

SHOWN = 50
_JSON = "application/json"
_URI = re.compile(r"nano-flow://runs/([0-9A-Za-z~]+)")
TEMPLATE = types.ResourceTemplate(
    name="run", uri_template="nano-flow://runs/{run_id}", description="One run: nano-flow/run@1", mime_type=_JSON
)


def list_resources(offer: Offer) -> list[types.Resource]:
    """The latest runs."""
    return [
        types.Resource(
            name=f"{run.workflow} {run.run_id}",
            uri=f"nano-flow://runs/{run.run_id}",
            description=f"{run.status}, started {rfc3339(run.created_at)}",
            mime_type=_JSON,
        )
        for run in list_runs(offer.place, RunFilter(limit=SHOWN))
    ]


def read_run(offer: Offer, uri: str) -> types.TextResourceContents:
    """One run. Raises UsageError where there is none of that name."""
    found = _URI.fullmatch(uri)
    if found is None:
        raise UsageError(f'"{uri}" is no run: the form is nano-flow://runs/ID')
    document = finite(run_of(offer, found[1]))
    text = json.dumps(document, ensure_ascii=False)
    return types.TextResourceContents(uri=uri, mime_type=_JSON, text=text)


def run_of(offer: Offer, name: str) -> dict[str, Json]:
    """``nano-flow/run@1`` of the run that ``name`` (an id, a unique prefix, ``last``) means. Raises UsageError."""
    return dict(show_run(offer.place, name).document)
