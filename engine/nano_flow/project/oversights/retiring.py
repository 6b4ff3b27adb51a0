"""Models whose days are counted: they are told of while there is time to name others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache

from nano_flow.bundled import bundled_text
from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.refs import ModelRef
from nano_flow.documents.load import RoutingSource, load_providers
from nano_flow.plan.catalogue import Catalogue, ModelCard
from nano_flow.project.oversights.routes import named_models
from nano_flow.source.layers import LayeredDocument
from nano_flow.source.source_map import SourceDocument

WARNED_DAYS = 60
HINT = "name a model that stays, in tiers, chains, aliases and steps"


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
            found = _ending(card, today)
            if found is not None:
                yield found


def retires(catalogue: Catalogue, ref: ModelRef) -> str:
    """What there is to say of one model today; nothing where it stays."""
    card = catalogue.model(ref)
    found = None if card is None else _ending(card, date.today())
    return "" if found is None else found.said


def _ending(card: ModelCard, today: date) -> Retiring | None:
    if card.retires is None:
        return None
    days = (date.fromisoformat(card.retires) - today).days
    return Retiring(card.ref, card.retires, days) if days <= WARNED_DAYS else None


def retiring_advice(catalogue: Catalogue, source: SourceDocument, today: date) -> Iterator[Diagnostic]:
    """A warning for each such model that the file itself declares, not one that it extends.

    What ships with the engine carries its dates as facts: there the warning stands where a model is named.
    """
    shipped = _shipped_days()
    for found in retiring(catalogue, today):
        path = ("providers", found.ref.provider, "models", found.ref.model, "retires")
        where = source.value_range(path)
        own = not isinstance(source, LayeredDocument) or where.file == source.file
        if own and shipped.get(found.ref) != found.day:
            yield Diagnostic("warning", "NF556", found.said, where, ".".join(path), HINT)


def named_advice(routing: RoutingSource, catalogue: Catalogue, today: date) -> Iterator[Diagnostic]:
    """A warning for each place of a routing document that names such a model."""
    ending = {found.ref: found.said for found in retiring(catalogue, today)}
    for path, name in named_models(routing.document):
        said = ending.get(ModelRef.parse(name))
        if said is not None:
            where = routing.source.value_range(path)
            yield Diagnostic("warning", "NF556", said, where, ".".join(map(str, path)), HINT)


@cache
def _shipped_days() -> dict[ModelRef, str]:
    document = load_providers(bundled_text("providers.yaml"), "providers.yaml").document
    return {
        ModelRef(provider, model): stated.retires
        for provider, declared in document.providers.items()
        for model, stated in (declared.models or {}).items()
        if stated.retires is not None
    }
