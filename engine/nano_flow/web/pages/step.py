"""``/runs/ID/ADDRESS``: what one execution was asked, what it said and did, and why this model."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from nano_flow.core.errors import UsageError
from nano_flow.operations.runs.foretelling import foretold
from nano_flow.operations.runs.starting import Wanted
from nano_flow.ports.store import RunSummary
from nano_flow.web.pages.frame import holder_of, page, site_of
from nano_flow.web.rendering.step_values import step_values
from nano_flow.web.security.tokens import Role


def show(request: Request) -> Response:
    """The page."""
    site = site_of(request)
    run = site.book.run(request.path_params["run"])

    def link(address: str) -> str:
        return f"/runs/{run.run_id}/{quote(address, safe='')}"

    address = request.path_params["address"]
    values = step_values(site.place, site.book, run, address, link)
    with site.book.fold(run.run_id) as fold:
        record = fold.view.head
    written = site.drawings.templates(record, address) if record is not None and values["turns"] else {}
    return page(request, "step.html", **values, written=written, again=_foretold(request, run, address))


def _foretold(request: Request, run: RunSummary, address: str) -> str:
    """What doing this step again would do and pay, for who may have it done."""
    if run.status in ("running", "queued") or run.owner is not None or holder_of(request).role < Role.run:
        return ""
    try:
        return foretold(site_of(request).place, run, Wanted((address,)))
    except UsageError:
        return ""
