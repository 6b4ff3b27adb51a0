"""Models whose days are counted: they are told of while there is time to name others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.refs import ModelRef
from nano_flow.plan.catalogue import Catalogue
from nano_flow.source.layers import LayeredDocument
from nano_flow.source.source_map import SourceDocument

WARNED_DAYS = 60


@dataclass(frozen=True, slots=True)
class Retiring:
    """A model that is, or soon will be, no longer served."""

    ref: ModelRef
    day: str
    days: int

    @property
    def said(self) -> str:
        """It in words."""
        if self.days <= 0:
            return f"{self.ref} is retired since {self.day}"
        return f"{self.ref} retires on {self.day}, in {self.days} day{'s' if self.days > 1 else ''}"


def retiring(catalogue: Catalogue, today: date) -> Iterator[Retiring]:
    """The declared models that retire within ``WARNED_DAYS`` days, or have."""
    for provider in catalogue.providers.values():
        for card in provider.models.values():
            if card.retires is not None:
                days = (date.fromisoformat(card.retires) - today).days
                if days <= WARNED_DAYS:
                    yield Retiring(card.ref, card.retires, days)


def retiring_advice(catalogue: Catalogue, source: SourceDocument, today: date) -> Iterator[Diagnostic]:
    """A warning for each such model that the file itself declares, not one that it extends."""
    for found in retiring(catalogue, today):
        path = ("providers", found.ref.provider, "models", found.ref.model, "retires")
        where = source.value_range(path)
        if not isinstance(source, LayeredDocument) or where.file == source.file:
            hint = "name a model that stays, in tiers, chains, aliases and steps"
            yield Diagnostic("warning", "NF556", found.said, where, ".".join(path), hint)
