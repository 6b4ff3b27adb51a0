"""What a run costs and uses as a whole; real and simulated money never meet."""

from __future__ import annotations

from dataclasses import dataclass, field

from nano_flow.core.events import CallFailed, CallFinished, CallIntended
from nano_flow.core.messages import Usage


@dataclass(slots=True)
class Totals:
    """Sums over the attempts so far. In a simulated run ``possibly_spent`` and ``saved`` are simulated too."""

    cost: int = 0
    simulated_cost: int = 0
    possibly_spent: int = 0
    saved: int = 0
    unpriced_calls: int = 0
    calls: int = 0
    usage: Usage = field(default_factory=Usage)
    in_flight: dict[tuple[str, int, int], int | None] = field(default_factory=dict)
    """Calls that were sent and whose end is not known yet → their worst case; None where nobody knows it."""

    def intend(self, event: CallIntended, *, simulated: bool) -> None:
        """A call is about to be sent; a simulated one of a real run risks nothing."""
        counts = simulated or not event.model.startswith("sim/")
        worst = None if event.unpriced else event.reserved
        self.in_flight[(event.address, event.turn, event.attempt)] = worst if counts else 0

    def settle(
        self, event: CallFinished | CallFailed, cost: int | None, usage: Usage | None, *, simulated: bool
    ) -> None:
        """A call ended, well or not."""
        self.in_flight.pop((event.address, event.turn, event.attempt), None)
        self.calls += 1
        if usage is not None:
            self.usage = self.usage + usage
        if cost is None:
            self.unpriced_calls += 1
            self.possibly_spent += event.reserved if isinstance(event, CallFinished) else 0
        elif simulated:
            self.simulated_cost += cost
        else:
            self.cost += cost

    def at_risk(self, *, over: bool) -> int:
        """What may have been spent besides: of a run that is not at work, also what was in flight when it ended."""
        return self.possibly_spent + (sum(worst or 0 for worst in self.in_flight.values()) if over else 0)

    def unpriced(self, *, over: bool) -> int:
        """Calls whose cost nobody knows: of a run that is not at work, also those that were in flight."""
        return self.unpriced_calls + (sum(worst is None for worst in self.in_flight.values()) if over else 0)
