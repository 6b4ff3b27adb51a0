"""``/runs/ID``: one run, its failure first, its graph, its steps, when each ran, its money and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from nano_flow.core.errors import UsageError
from nano_flow.operations.runs.artifacts import output_names
from nano_flow.operations.runs.as_case import case_of
from nano_flow.operations.runs.foretelling import foretold
from nano_flow.operations.runs.starting import Wanted
from nano_flow.ports.store import RunSummary
from nano_flow.web.pages.frame import holder_of, page, site_of
from nano_flow.web.rendering.run_values import run_values
from nano_flow.web.security.tokens import Role

_LARGEST = 1000
"""Rows of a run whose past is still read again to say what going on with it would cost."""


def show(request: Request) -> Response:
    """The page."""
    site = site_of(request)
    run = site.book.run(request.path_params["run"])

    def link(address: str) -> str:
        return f"/runs/{run.run_id}/{quote(address, safe='')}"

    values = run_values(site.book, site.drawings, run, link)
    return page(request, "run.html", **values, files=_files(values), again=_foretold(request, run, len(values["rows"])))  # type: ignore[arg-type]


def _files(values: Mapping[str, object]) -> list[str]:
    document = values["document"]
    outputs = document.get("outputs") if isinstance(document, Mapping) else None
    named = outputs if isinstance(outputs, Mapping) else {}
    return [*(name for name, _ in output_names(named)), "run.html", "run.json", "events.jsonl", "ledger.csv"]


def case(request: Request) -> Response:
    """The run as a document for ``nano-flow test``."""
    run_id = site_of(request).book.run(request.path_params["run"]).run_id
    saved = {"content-disposition": f'attachment; filename="{run_id}.test.yaml"'}
    return PlainTextResponse(case_of(site_of(request).place, run_id), headers=saved)


def _foretold(request: Request, run: RunSummary, size: int) -> str:
    """What going on would do and pay again, for who may let it go on."""
    stopped = run.status in ("paused", "failed", "cancelled") and run.owner is None
    if not stopped or size > _LARGEST or holder_of(request).role < Role.run:
        return ""
    try:
        return foretold(site_of(request).place, run, Wanted())
    except UsageError:
        return ""
