"""Text that was streamed once is not shown again when a call is repeated."""

from __future__ import annotations

CUT = "\n[the reply was cut off; it goes on differently:]\n"


class Shown:
    """What the reader of a stream has seen of one reply, over all attempts."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._before = ""
        self._now = ""
        self._comparing = False

    def start(self) -> None:
        """A new attempt begins: as long as its text agrees with what was seen, nothing of it is new."""
        self._before = "".join(self._pieces)
        self._now = ""
        self._comparing = bool(self._before)

    def new(self, piece: str) -> str:
        """The part of ``piece`` that nobody has seen yet."""
        if not self._comparing:
            self._pieces.append(piece)
            return piece
        self._now += piece
        if self._before.startswith(self._now):
            return ""
        self._comparing = False
        self._pieces = [self._now]
        same = _common(self._before, self._now)
        rest = self._now[same:]
        return rest if same == len(self._before) else CUT + rest


def _common(one: str, two: str) -> int:
    """How many characters at the start are the same."""
    length = min(len(one), len(two))
    return next((index for index in range(length) if one[index] != two[index]), length)
