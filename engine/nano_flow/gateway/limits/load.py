"""How busy the models of a run are: what ``choose: balanced`` goes by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from nano_flow.core.refs import ModelRef
from nano_flow.gateway.limits.pace import Pace
from nano_flow.plan.catalogue import Catalogue

USUAL_PLACES = 64
"""Calls at a time that a server without a limit is taken to bear."""


@dataclass(frozen=True, slots=True)
class Load:
    """Calls that are on their way to a model, those that wait for a place included.

    ``paces`` are those that the sender keeps, by provider and by model.
    """

    catalogue: Catalogue
    paces: Mapping[str, Pace]
    calls: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def taken(self, ref: ModelRef) -> Iterator[None]:
        """A call goes to ``ref``. It counts from its decision on: calls that start together see each other."""
        names = (str(ref), ref.provider)
        self.calls.update(names)
        try:
            yield
        finally:
            self.calls.subtract(names)

    def shares(self) -> Mapping[str, float]:
        """Model, or provider → the share of what it bears that is taken: by calls under way, or in this minute."""
        found: dict[str, float] = {}
        for name in {*(name for name, count in self.calls.items() if count > 0), *self.paces}:
            pace = self.paces.get(name)
            used = pace.used() if pace is not None else 0.0
            found[name] = max(used, self.calls[name] / (self._places(name) or USUAL_PLACES))
        return found

    def _places(self, name: str) -> int | None:
        if "/" in name:
            card = self.catalogue.model(ModelRef.parse(name))
            return card.in_flight if card is not None else None
        return self.catalogue.providers[name].in_flight
