"""``/providers``: who can be asked, how fast they answer, and how they fail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from nano_flow.core.messages import Json
from nano_flow.operations.project.providers import models_of, providers_of
from nano_flow.web.pages.frame import page, site_of

_DAY = 86_400.0


@dataclass(slots=True)
class Health:
    """What the calls of the last day saw of one provider."""

    calls: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    hours: dict[int, int] = field(default_factory=dict)
    """Hours ago → calls that failed."""
    seconds: list[float] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """Calls that failed."""
        return sum(self.errors.values())

    def quantile(self, share: float) -> float | None:
        """How long the slowest but ``1 - share`` of the answered calls took."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def show(request: Request) -> Response:
    """The page."""
    site = site_of(request)
    now = site.now()
    with site.book.reader() as reader:
        seen = health(reader.ledger(since=now - _DAY), now) if reader is not None else {}
    states = providers_of(site.place)
    return page(request, "providers.html", states=states, seen=seen, nothing=Health(), models=models_of(site.place))


def health(ledger: Iterable[Mapping[str, Json]], now: float) -> dict[str, Health]:
    """Provider → what was seen of it."""
    from datetime import datetime

    found: dict[str, Health] = {}
    for row in ledger:
        if row["outcome"] == "cached":
            continue
        one = found.setdefault(str(row["provider"]), Health())
        one.calls += 1
        if row["outcome"] == "finished":
            one.seconds.append(float(str(row["duration_s"])))
        else:
            error = str(row["error"])
            one.errors[error] = one.errors.get(error, 0) + 1
            hour = int((now - datetime.fromisoformat(str(row["at"])).timestamp()) // 3600)
            one.hours[hour] = one.hours.get(hour, 0) + 1
    return found
