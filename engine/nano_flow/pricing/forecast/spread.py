"""Three figures for what is not known yet: at least, likely, at most."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Times(NamedTuple):
    """How often something happens."""

    low: int
    likely: float
    high: int

    def times(self, other: Times) -> Times:
        """This often, and each time ``other`` often."""
        return Times(self.low * other.low, self.likely * other.likely, self.high * other.high)


ONCE = Times(1, 1.0, 1)


@dataclass(frozen=True, slots=True)
class Spread:
    """Whole tokens or nano-dollars; ``high`` None is without a bound, ``likely`` None unknown (unpriced)."""

    low: int
    likely: int | None
    high: int | None

    def __post_init__(self) -> None:
        """What is at most is at least what is likely, and that is at least what is least."""
        if self.likely is None:
            return
        likely = self.likely if self.high is None else min(self.likely, self.high)
        object.__setattr__(self, "likely", likely)
        object.__setattr__(self, "low", min(self.low, likely))


NOTHING = Spread(0, 0, 0)


def total(spreads: Iterable[Spread]) -> Spread:
    """The sum; what is unknown in one part is unknown in the whole."""
    low, likely, high = 0, [0], [0]
    known_likely = known_high = True
    for spread in spreads:
        low += spread.low
        known_likely = known_likely and spread.likely is not None
        known_high = known_high and spread.high is not None
        likely.append(spread.likely or 0)
        high.append(spread.high or 0)
    return Spread(low, sum(likely) if known_likely else None, sum(high) if known_high else None)
