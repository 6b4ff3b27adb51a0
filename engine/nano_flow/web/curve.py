"""How the money of a run grew, as its events told."""

from __future__ import annotations

from nano_flow.core.events import CallFailed, CallFinished, CallIntended, Event


class MoneyCurve:
    """What was spent, and what was set aside for calls that were under way, as a run's events told."""

    def __init__(self) -> None:
        self.points: list[tuple[float, int, int]] = []
        """When (seconds since 1970), spent and set aside from then on, in nano-dollars."""
        self.real = False
        self._spent = 0
        self._held: dict[tuple[str, int, int], int] = {}

    def apply(self, event: Event) -> None:
        """Take the next event."""
        if isinstance(event, CallIntended):
            self._held[(event.address, event.turn, event.attempt)] = event.reserved
        elif isinstance(event, CallFinished | CallFailed):
            self._held.pop((event.address, event.turn, event.attempt), None)
            self._spent += event.cost or 0
            self.real |= bool(event.cost) and not event.model.startswith("sim/")
        else:
            return
        self.points.append((event.at, self._spent, sum(self._held.values())))
