"""Earlier runs of a workflow, as far as they tell what the next one takes, and what one took against them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nano_flow.core.money import Money, usd
from nano_flow.gateway.observed import Observed
from nano_flow.plan.catalogue import Catalogue
from nano_flow.ports.store import RunFilter, RunSummary, Store, StoreReader
from nano_flow.pricing.forecast.history import StepHistory, StepUse, history, uses_of_run

RUNS = 10
"""How many of the newest runs a likely figure follows."""
MAX_EVENTS = 60_000
"""Older runs are left out once this many events were read: a plan should not take longer than a glance."""


@dataclass(frozen=True, slots=True)
class Hindsight:
    """What the ``runs`` before a run cost on average, and what it cost itself; real and simulated money together."""

    runs: int
    expected: Money
    actual: Money

    @property
    def off_by(self) -> float | None:
        """The difference as a share of what it cost; None where it cost nothing."""
        return (self.expected - self.actual) / self.actual if self.actual else None

    def text(self) -> str:
        """One line for the reader of the run."""
        runs = f"{self.runs} runs" if self.runs > 1 else "run"
        off = (
            ""
            if self.off_by is None
            else f", {abs(self.off_by):.0%} {'above' if self.off_by > 0 else 'below'} what it cost"
        )
        even = f"expected by the {runs} before: ${usd(self.expected)}"
        return f"{even}{off if self.expected != self.actual else ', as it came'}"


def earlier_uses(store: Store, workflow: str, *, simulated: bool) -> Mapping[str, StepHistory]:
    """What the newest succeeded runs of ``workflow`` used, step by step; empty where there is no store yet."""
    if not store.exists():
        return {}
    with store.reader() as reader:
        uses: list[Mapping[str, StepUse]] = []
        seen = 0
        for run in _succeeded(reader, workflow, simulated=simulated)[:RUNS]:
            events = [event for _, event in reader.events_of(run.run_id)]
            seen += len(events)
            uses.append(uses_of_run(events))
            if seen > MAX_EVENTS:
                break
        return history(uses)


def observed_before(store: Store, catalogue: Catalogue, before: float) -> Observed:
    """What the newest calls of all runs saw of their models, up to ``before``; nothing where there is no store yet.

    A simulated call tells of a model that is simulated now, a real one of a real model. A run asks for what was known
    when it began, in each of its lives: so a resume decides like the life before it.
    """
    if not store.exists():
        return Observed()
    with store.reader() as reader:
        rows = [row for row in reader.observed(before) if row.simulated == _is_simulated(catalogue, row.model)]
    return Observed(
        {row.model: row.seconds for row in rows},
        {row.model: row.output_tokens for row in rows if row.output_tokens is not None},
        {row.model: row.calls for row in rows},
    )


def _is_simulated(catalogue: Catalogue, model: str) -> bool:
    provider = catalogue.providers.get(model.partition("/")[0])
    return provider is not None and provider.adapter == "sim"


def hindsight(reader: StoreReader, name: str) -> Hindsight | None:
    """A run against those before it; None for the first of its workflow, or one that did not succeed."""
    run = reader.find_run(name)
    if run.status != "succeeded":
        return None
    before = [
        other
        for other in _succeeded(reader, run.workflow, simulated=run.simulated)
        if other.created_at < run.created_at
    ][:RUNS]
    if not before:
        return None
    return Hindsight(len(before), Money(sum(_cost(other) for other in before) // len(before)), Money(_cost(run)))


def _succeeded(reader: StoreReader, workflow: str, *, simulated: bool) -> list[RunSummary]:
    """The newest first."""
    runs = reader.list_runs(RunFilter(workflow=workflow, status="succeeded"))
    return [run for run in runs if run.simulated == simulated]


def _cost(run: RunSummary) -> int:
    return run.cost + run.simulated_cost
