"""Long fan-outs in a log: the first failures, a line for every tenth of the items, and what earlier lives had done."""

from __future__ import annotations

from dataclasses import dataclass

from nano_flow.core.events import Event, StepCollected, StepExpanded, StepFailed, StepFinished, StepSkipped
from nano_flow.core.refs import around

MANY = 12
"""Items that are still told one by one."""
_FAILURES = 5
_PARTS = 10


@dataclass(slots=True)
class _Crowd:
    count: int
    done: int = 0
    failed: int = 0
    told: int = 0


class Crowds:
    """Decides what of an event is told where the reader wants an overview."""

    def __init__(self) -> None:
        self._crowds: dict[str, _Crowd] = {}
        self._kept = 0

    def hides(self, event: Event) -> bool:
        """Whether the usual line for ``event`` is left out."""
        if isinstance(event, StepFinished | StepFailed) and event.replayed:
            self._kept += 1
            return True
        crowd = self._around(getattr(event, "address", ""))
        if crowd is None:
            return False
        if isinstance(event, StepFailed):
            crowd.told += 1
            return crowd.told > _FAILURES
        return isinstance(event, StepFinished | StepSkipped | StepCollected)

    def instead(self, event: Event) -> str | None:
        """What is told besides, or in its place: that many are done."""
        if isinstance(event, StepExpanded) and event.over == "for_each" and event.count > MANY:
            if self._around(event.address) is None:
                self._crowds[event.address] = _Crowd(event.count)
            return None
        address = getattr(event, "address", "")
        outer = address.rpartition("[")[0] if address.endswith("]") else ""
        crowd = self._crowds.get(outer)
        if crowd is None or not isinstance(event, StepFinished | StepFailed):
            return None
        crowd.done += 1
        crowd.failed += isinstance(event, StepFailed)
        if crowd.done * _PARTS // crowd.count == (crowd.done - 1) * _PARTS // crowd.count:
            return None
        failed = f", {crowd.failed} failed" if crowd.failed else ""
        return f"{outer}: {crowd.done}/{crowd.count}{failed}"

    def kept(self) -> str | None:
        """Once: how many steps an earlier life had done."""
        kept, self._kept = self._kept, 0
        return f"{kept} {'step is' if kept == 1 else 'steps are'} kept from before" if kept else None

    def _around(self, address: str) -> _Crowd | None:
        if not self._crowds or "[" not in address:
            return None
        return next((crowd for outer in around(address) if (crowd := self._crowds.get(outer)) is not None), None)
