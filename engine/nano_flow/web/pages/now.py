"""``/``: does anything wait for me, fail, or cost?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from nano_flow.core.errors import NanoFlowError
from nano_flow.core.money import Money
from nano_flow.core.refs import path_of
from nano_flow.operations.service.spent import Drawn, budgets_drawn
from nano_flow.ports.store import RunFilter, RunSummary, StoreReader
from nano_flow.views.health import quantile
from nano_flow.web.book import Book
from nano_flow.web.pages.frame import page, site_of
from nano_flow.web.rendering.rows import rows

_DAY = 86_400
_RUNNING, _FAILED, _RECENT = 30, 200, 12
_SPENDS = (("24 hours", 1), ("7 days", 7), ("30 days", 30))
_OVER = frozenset({"succeeded", "failed", "skipped"})


@dataclass(frozen=True, slots=True)
class Progress:
    """A run at work: how much of it is done, and how long the rest takes if it goes on like that."""

    run: RunSummary
    done: int
    total: int
    failed: int
    left_s: float | None
    budget: object

    @property
    def share(self) -> float:
        """Done, from 0 to 1."""
        return self.done / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Runs that failed at the same place for the same reason; ``newest`` is the one to go on with."""

    workflow: str
    address: str
    cause: str
    count: int
    newest: RunSummary


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent in the days that ended now."""

    period: str
    cost: Money
    simulated: Money
    possibly: Money


def show(request: Request) -> Response:
    """The page."""
    site = site_of(request)
    now = site.now()
    with site.book.reader() as reader:
        if reader is None:
            return page(request, "now.html", **_NOTHING)
        recent = reader.list_runs(RunFilter(limit=_RECENT))
        running = reader.list_runs(RunFilter(status="running", limit=_RUNNING))
        failed = reader.list_runs(RunFilter(status="failed", since=now - _DAY, limit=_FAILED))
        return page(
            request,
            "now.html",
            questions=reader.pending_approvals(),
            running=[progress(site.book, run) for run in running],
            failures=grouped(failed),
            spent=_spent(reader, now),
            models=reader.spend("model", now - 7 * _DAY)[:6],
            recent=recent,
            budgets=_budgets(request, reader, now),
            providers=site.lately.rows()[0][:6],
            quantile=quantile,
        )


_PARTS = ("budgets", "providers", "questions", "running", "failures", "spent", "models", "recent")
_NOTHING: Mapping[str, Sequence[object]] = dict.fromkeys(_PARTS, ())


def _budgets(request: Request, reader: StoreReader, now: float) -> Sequence[Drawn]:
    """Budgets over runs; a service.yaml that is wrong is told where workflows are, not in the way of what happens."""
    try:
        return budgets_drawn(reader, site_of(request).service(), now)
    except NanoFlowError:
        return ()


def progress(book: Book, run: RunSummary) -> Progress:
    """How far a run is."""
    steps = rows(book.document(run.run_id))
    over = sum(step["status"] in _OVER for step in steps)
    failed = sum(step["status"] == "failed" for step in steps)
    left = run.duration_s * (len(steps) - over) / over if over >= 3 else None
    cost = book.document(run.run_id).get("cost")
    budget = cost.get("budget_usd") if isinstance(cost, dict) else None
    return Progress(run, over, len(steps), failed, left, budget)


def grouped(failed: Iterable[RunSummary]) -> list[FailureGroup]:
    """Failures by workflow, place and cause; those that come most often first."""
    groups: dict[tuple[str, str, str], list[RunSummary]] = {}
    for run in failed:
        place = path_of(run.stop_address) if run.stop_address else ""
        groups.setdefault((run.workflow, place, _kind(_cause(run.error or ""))), []).append(run)
    found = [
        FailureGroup(workflow, place, _cause(runs[0].error or ""), len(runs), runs[0])
        for (workflow, place, _), runs in groups.items()
    ]
    return sorted(found, key=lambda group: -group.count)


def _cause(error: str) -> str:
    """The first line of an error."""
    return (error.splitlines() or [""])[0][:200]


def _kind(cause: str) -> str:
    """A cause with its figures left out: what differs from run to run must not part one kind."""
    return "".join("#" if character.isdigit() else character for character in cause)


def _spent(reader: StoreReader, now: float) -> list[Spent]:
    found = []
    for period, days in _SPENDS:
        by_day = reader.spend("provider", now - days * _DAY)
        found.append(
            Spent(
                period,
                Money(sum(row.cost for row in by_day)),
                Money(sum(row.simulated_cost for row in by_day)),
                Money(sum(row.possibly_spent for row in by_day)),
            )
        )
    return found
