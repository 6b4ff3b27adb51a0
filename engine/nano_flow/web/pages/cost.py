"""``/cost``: what was spent, by whom, against which budgets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from nano_flow.core.errors import DocumentError, UsageError
from nano_flow.core.money import ZERO, Money
from nano_flow.core.text import rfc3339
from nano_flow.operations.moments import moment
from nano_flow.operations.money.outlook import Outlook, Stack, a_day, outlooks, stacked
from nano_flow.ports.store import Grouping, SpendRow, UnpricedRow
from nano_flow.views.cost import cost_csv, cost_document
from nano_flow.web.pages.frame import page, site_of

GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)
_STACKS: tuple[Grouping, ...] = ("model", "workflow", "step", "provider")
_SERIES = 6
_SINCE = (("1d", "a day"), ("7d", "7 days"), ("30d", "30 days"), ("365d", "a year"), ("", "ever"))


def show(request: Request) -> Response:
    """The page; ``format=csv`` is the same as ``cost --csv``."""
    by = grouping(request.query_params.get("by") or "workflow")
    stack = grouping(request.query_params.get("stack") or (by if by in _STACKS else "model"))
    since = request.query_params.get("since", "30d")
    rows, unpriced = spend(request, by, since)
    if request.query_params.get("format") == "csv":
        name = f"nano-flow-cost-by-{by}.csv"
        return PlainTextResponse(
            cost_csv(by, rows), media_type="text/csv", headers={"content-disposition": f'attachment; filename="{name}"'}
        )
    return page(
        request,
        "cost.html",
        by=by,
        since=since,
        rows=rows,
        document=cost_document(by, rows, unpriced, None),
        stack=stack,
        stacks=_STACKS,
        charts=charts(request, stack, since),
        outlooks=budgets(request),
        a_day=mean_of_a_day(request),
        groupings=GROUPINGS,
        sinces=_SINCE,
    )


def charts(request: Request, by: Grouping, since: str) -> list[tuple[str, Stack]]:
    """Title and bars by day, real money first; what is simulated stands apart."""
    site = site_of(request)
    at = moment(since, site.now()) if since else None
    with site.book.reader() as reader:
        rows = reader.spend_by_day(by, at) if reader is not None else []
    found = (
        (title, stacked(rows, site.now(), _SERIES, simulated=title != "spent")) for title in ("spent", "simulated")
    )
    return [(title, stack) for title, stack in found if stack is not None]


def budgets(request: Request) -> list[Outlook]:
    """The budgets over runs; a service.yaml that is wrong is told where workflows are."""
    site = site_of(request)
    try:
        with site.book.reader() as reader:
            return outlooks(reader, site.service(), site.now()) if reader is not None else []
    except DocumentError:
        return []


def mean_of_a_day(request: Request) -> Money:
    """What a day has cost lately."""
    site = site_of(request)
    with site.book.reader() as reader:
        return a_day(reader, site.now()) if reader is not None else ZERO


def grouping(name: str) -> Grouping:
    """What to sum up by. Raises UsageError."""
    found = next((one for one in GROUPINGS if one == name), None)
    if found is None:
        raise UsageError(f'"{name}" is nothing to sum up by: expected {", ".join(GROUPINGS)}')
    return found


def spend(request: Request, by: Grouping, since: str) -> tuple[Sequence[SpendRow], Sequence[UnpricedRow]]:
    """The same rows as ``nano-flow cost``. Raises UsageError."""
    site = site_of(request)
    at = moment(since, site.now()) if since else None
    with site.book.reader() as reader:
        return (reader.spend(by, at), reader.unpriced(at)) if reader is not None else ([], [])


def since_text(request: Request, since: str) -> str | None:
    """The moment that ``since`` means, as documents show it."""
    return rfc3339(moment(since, site_of(request).now())) if since else None
