"""The budget of one rendering: steps of work and characters made, so that nothing can hang or grow without bound."""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import Undefined

from nano_flow.runtime.rendering.failure import RenderFailure

MAX_STEPS = 1_000_000
MAX_CHARACTERS = 16 * 1024 * 1024
CHARACTERS_PER_STEP = 128
CHARACTERS_PER_PART = 4
WORTH_KEEPING = 64


class Meter:
    """Counts down while a template is rendered. A step is about a microsecond of work."""

    __slots__ = ("_characters", "_sizes", "_steps")

    def __init__(self) -> None:
        self._steps = MAX_STEPS
        self._characters = MAX_CHARACTERS
        # id → (parts, characters, value): the value is held so that its id stays its own
        self._sizes: dict[int, tuple[int, int, object]] = {}

    def work(self, steps: int) -> None:
        """Pay for ``steps``. Raises RenderFailure where the budget is spent."""
        self._steps -= steps
        if self._steps < 0:
            raise RenderFailure(f"the template does too much: more than {MAX_STEPS:,} steps of work")

    def make(self, characters: int) -> None:
        """Pay for a text of ``characters``, before it is made. Raises RenderFailure where the budget is spent."""
        self._characters -= characters
        if self._characters < 0:
            raise RenderFailure(f"the template makes too much text: more than {MAX_CHARACTERS:,} characters in all")
        self.work(1 + characters // CHARACTERS_PER_STEP)

    def handle(self, value: object) -> None:
        """Pay for an operation that looks at the whole of ``value``. Raises on undefined values."""
        parts, characters = self.size(value)
        self.work(2 + parts + characters // CHARACTERS_PER_STEP)

    def keep(self, value: object) -> None:
        """Pay for a result that leaves the template: all of it counts as text that was made."""
        parts, characters = self.size(value)
        self.make(characters + CHARACTERS_PER_PART * parts)

    def size(self, value: object) -> tuple[int, int]:
        """How many parts ``value`` has, and how many characters in them; what is shared counts each time."""
        if isinstance(value, str):
            return 1, len(value)
        if isinstance(value, (Mapping, list, tuple)):
            known = self._sizes.get(id(value))
            return self._measure(value) if known is None else known[:2]
        if isinstance(value, Undefined):
            fail(value)
        return 1, 0

    def _measure(self, value: Mapping[object, object] | list[object] | tuple[object, ...]) -> tuple[int, int]:
        self.work(1 + len(value))
        parts, characters = 1, 0
        for item in value:
            more = self.size(item)
            parts, characters = parts + more[0], characters + more[1]
            if isinstance(value, Mapping):
                more = self.size(value[item])
                parts, characters = parts + more[0], characters + more[1]
        if parts > WORTH_KEEPING:  # small values are measured again rather than kept alive
            self._sizes[id(value)] = (parts, characters, value)
        return parts, characters


def fail(value: Undefined) -> None:
    """Raise what the undefined ``value`` has to say."""
    value._fail_with_undefined_error()
