"""``/runs``: all runs, filtered and searched."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from nano_flow.core.errors import UsageError
from nano_flow.operations.moments import moment
from nano_flow.operations.runs.reading import search_runs
from nano_flow.ports.store import RunFilter
from nano_flow.web.pages.frame import page, site_of

STATUSES = ("running", "paused", "succeeded", "failed", "cancelled", "queued")
_SINCE = (("", "ever"), ("1h", "the last hour"), ("1d", "the last day"), ("7d", "7 days"), ("30d", "30 days"))
_PAGE = 50


def show(request: Request) -> Response:
    """The page."""
    site = site_of(request)
    asked = {name: request.query_params.get(name, "").strip() for name in ("workflow", "status", "since", "search")}
    limit = min(_number(request.query_params.get("limit")) or _PAGE, 1000)
    if asked["status"] not in ("", *STATUSES):
        raise UsageError(f'"{asked["status"]}" is no state: expected {", ".join(STATUSES)}')
    since = moment(asked["since"], site.now()) if asked["since"] else None
    wanted = RunFilter(asked["workflow"] or None, asked["status"] or None, since, limit + 1)
    listed = search_runs(site.place, wanted, asked["search"] or None)
    with site.book.reader() as reader:
        names = sorted({row.key for row in reader.spend("workflow")}) if reader is not None else []
    return page(
        request,
        "runs.html",
        runs=[each.run for each in listed[:limit]],
        places={each.run.run_id: each.failed_at for each in listed},
        more=len(listed) > limit,
        limit=limit,
        asked=asked,
        workflows=names,
        statuses=STATUSES,
        sinces=_SINCE,
    )


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 6 else 0
