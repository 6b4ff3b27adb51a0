"""How far the budgets over runs are used in their present windows."""

from __future__ import annotations

from collections.abc import Sequence

from nano_flow.operations.service.inforce import Service
from nano_flow.ports.budgets import Drawn
from nano_flow.ports.store import StoreReader
from nano_flow.project.service.shared_budgets import bound_of

__all__ = ["Drawn", "budgets_drawn"]


def budgets_drawn(reader: StoreReader, service: Service, now: float) -> Sequence[Drawn]:
    """What each budget of service.yaml has so far, in the order of the file."""
    return reader.drawn([bound_of(budget, now) for budget in service.budgets])
