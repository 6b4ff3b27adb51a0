"""What was spent, by workflow, step, model, provider, day or run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nano_flow.operations.place import Place
from nano_flow.ports.store import Grouping, SpendRow, UnpricedRow

GROUPINGS: tuple[Grouping, ...] = ("workflow", "step", "model", "provider", "day", "run")


@dataclass(frozen=True, slots=True)
class Spending:
    """The sums of the ledger, and the calls whose price nobody knows."""

    rows: Sequence[SpendRow] = ()
    unpriced: Sequence[UnpricedRow] = ()


def spending(place: Place, by: Grouping, since: float | None = None) -> Spending:
    """The sums of all calls since ``since``; none where there is no store yet."""
    store = place.store
    if not store.exists():
        return Spending()
    with store.reader() as reader:
        return Spending(reader.spend(by, since), reader.unpriced(since))
