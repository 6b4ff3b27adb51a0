"""What calls cost: the prices in force, how they compare with what others publish, and how they are changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from nano_flow.core.errors import UsageError
from nano_flow.core.refs import ModelRef
from nano_flow.operations.place import Place
from nano_flow.pricing.market.drift import Checked, Difference
from nano_flow.pricing.market.editing import dollars
from nano_flow.pricing.rates import PriceEntry
from nano_flow.pricing.reading import stated_prices
from nano_flow.project.money.price_table import PriceChange, PriceLine, PriceTable, open_prices
from nano_flow.project.oversights.retiring import Retiring, retiring
from nano_flow.project.policies import read_policies

__all__ = [
    "Checked",
    "Difference",
    "PriceChange",
    "PriceEntry",
    "PriceLine",
    "PriceTable",
    "Retiring",
    "dollars",
    "other_names",
    "prices_in_force",
    "retiring_models",
    "stated_prices",
]


def other_names(place: Place, workflow: Path | None = None) -> Callable[[str], Sequence[ModelRef]]:
    """Under which names others may know a model: its own, and that of what it is sent to by the providers in force."""
    catalogue = read_policies(place.policy(workflow)).catalogue

    def alike(name: str) -> Sequence[ModelRef]:
        try:
            ref = ModelRef.parse(name)
        except ValueError:
            raise UsageError(f'"{name}" is no model: expected provider/model, such as openai/gpt-5.4-mini') from None
        card, provider = catalogue.model(ref), catalogue.providers.get(ref.provider)
        sent = ref.model if card is None or card.deployment is None else card.deployment
        like = [] if card is None or card.priced_as is None else [card.priced_as]
        return [ref, *like, *([ModelRef(provider.service, sent)] if provider is not None else [])]

    return alike


def retiring_models(place: Place, now: float, workflow: Path | None = None) -> list[Retiring]:
    """The models of the providers in force that retire within 60 days, or have."""
    catalogue = read_policies(place.policy(workflow)).catalogue
    return list(retiring(catalogue, datetime.fromtimestamp(now, UTC).date()))


def prices_in_force(place: Place, workflow: Path | None = None) -> PriceTable:
    """The prices in force for ``workflow`` (None: for the current folder). Nothing is fetched."""
    return open_prices(place.policy(workflow))
