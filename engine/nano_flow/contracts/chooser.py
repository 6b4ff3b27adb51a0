"""What every way to choose has to keep: subclass ``ChooserContract`` and give it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import permutations

from nano_flow.core.money import Money
from nano_flow.core.refs import ModelRef
from nano_flow.pricing.prices import Prices
from nano_flow.routing.request import Candidate, Chooser, Observations

CANDIDATES = (
    Candidate(ModelRef("a", "cheap"), Money(10), 3.0, 4),
    Candidate(ModelRef("b", "fast"), Money(90), 0.5, 0),
    Candidate(ModelRef("c", "unknown")),
    Candidate(ModelRef("d", "same"), Money(10), 3.0, 4),
)


class ChooserContract(ABC):
    """Inherit it in a class whose name begins with ``Test``."""

    @abstractmethod
    def chooser(self) -> Chooser:
        """The way to choose."""

    def test_it_gives_the_same_candidates_and_no_others(self) -> None:
        observations = Observations(Prices({}), 1000.0)
        for many in range(len(CANDIDATES) + 1):
            for given in permutations(CANDIDATES, many):
                ordered = list(self.chooser()(given, observations))
                assert sorted(map(str, (c.ref for c in ordered))) == sorted(map(str, (c.ref for c in given)))

    def test_the_same_question_has_the_same_answer(self) -> None:
        observations = Observations(Prices({}), 1000.0)
        first = list(self.chooser()(CANDIDATES, observations))
        assert all(list(self.chooser()(CANDIDATES, observations)) == first for _ in range(20))
