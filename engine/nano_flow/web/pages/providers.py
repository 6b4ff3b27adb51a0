"""``/providers``: who can be asked, how fast they answer, how they fail, and what is about to change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from nano_flow.operations.models.health import Health
from nano_flow.operations.project.providers import (
    limits_text,
    models_of,
    price_moves,
    providers_of,
    retiring_models,
)
from nano_flow.views.health import HOUR_S, quantile
from nano_flow.web.pages.frame import page, site_of

_HOURS = 24


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the last day: calls that were answered, that failed, decisions that passed a cooling model over."""

    ago: int
    answered: int
    failed: int
    cooling: int


def show(request: Request) -> Response:
    """The page."""
    site = site_of(request)
    now = site.now()
    seen, models = ({row.name: row for row in rows} for rows in site.lately.rows())
    lines = models_of(site.place)
    return page(
        request,
        "providers.html",
        states=providers_of(site.place),
        seen=seen,
        hours={name: hours(row, now) for name, row in seen.items()},
        ours=[line for line in lines if line.credentials or line.name in models],
        others=[line for line in lines if not line.credentials and line.name not in models],
        by_model=models,
        limits=limits_text,
        retiring=retiring_models(site.place, now),
        moves=price_moves(site.place, now),
        quantile=quantile,
    )


def hours(row: Health, now: float) -> list[Hour]:
    """The hours of the last day in which something happened, those long ago first."""
    last = int(now // HOUR_S)
    found: Mapping[int, object] = {**row.by_hour, **row.cooling_by_hour}
    return [_hour(row, number, last) for number in sorted(found) if 0 <= last - number < _HOURS]


def _hour(row: Health, number: int, last: int) -> Hour:
    counted = row.by_hour.get(number, Counter())
    answered = counted.get("answered", 0)
    return Hour(last - number, answered, sum(counted.values()) - answered, row.cooling_by_hour.get(number, 0))
