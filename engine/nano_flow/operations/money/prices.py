"""What calls cost: the prices in force, how they compare with what others publish, and how they are changed."""

from __future__ import annotations

from pathlib import Path

from nano_flow.operations.place import Place
from nano_flow.pricing.market.drift import Checked, Difference
from nano_flow.pricing.market.editing import dollars
from nano_flow.pricing.rates import PriceEntry
from nano_flow.pricing.reading import stated_prices
from nano_flow.project.money.price_table import PriceChange, PriceLine, PriceTable, open_prices

__all__ = [
    "Checked",
    "Difference",
    "PriceChange",
    "PriceEntry",
    "PriceLine",
    "PriceTable",
    "dollars",
    "prices_in_force",
    "stated_prices",
]


def prices_in_force(place: Place, workflow: Path | None = None) -> PriceTable:
    """The prices in force for ``workflow`` (None: for the current folder). Nothing is fetched."""
    return open_prices(place.policy(workflow))
