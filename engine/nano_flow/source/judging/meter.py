"""What judging a value may cost: steps, counted, and somebody who may say stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nano_flow.core.messages import Json

STEPS = 1_000_000
"""Steps for any value, a few seconds' worth."""
STEPS_A_PART = 200
MOST_STEPS = 30_000_000
"""A large value has more, in proportion to its parts, and up to this."""
_LOOK_EVERY = 1_000


class TooLong(Exception):
    """The steps are used up, or somebody said stop."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Patience:
    """``steps`` that one judgement may take, None: in proportion to the value; ``stop`` is asked now and then."""

    steps: int | None = None
    stop: Callable[[], bool] = _never

    @property
    def is_short(self) -> bool:
        """Whether it is for a first try only, which leaves what takes longer to a later one."""
        return self.steps is not None


USUAL = Patience()
AT_ONCE = Patience(steps=10_000)
"""What may be judged where others wait meanwhile: about ten milliseconds."""


class Meter:
    """Counts the work of one judgement."""

    __slots__ = ("_left", "_look", "_stop")

    def __init__(self, steps: int, stop: Callable[[], bool] = _never) -> None:
        self._left = steps
        self._look = steps - _LOOK_EVERY
        self._stop = stop

    def work(self, steps: int = 1) -> None:
        """Do ``steps`` more. Raises TooLong."""
        self._left -= steps
        if self._left < self._look:
            self._look = self._left - _LOOK_EVERY
            if self._left < 0 or self._stop():
                raise TooLong


def steps_for(value: Json) -> int:
    """How many steps judging ``value`` may take: an honest schema needs a few for each of its parts."""
    parts, waiting = 0, [value]
    while waiting and parts < MOST_STEPS // STEPS_A_PART:
        part = waiting.pop()
        parts += 1
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
    return min(STEPS + STEPS_A_PART * parts, MOST_STEPS)
