"""What labels tell of a policy: shares with their intervals, on the same prompts as recorded, and bounds for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

from nano_flow.core.messages import Json

TWO_SIDED_95 = 1.96


@dataclass(frozen=True, slots=True)
class Judged:
    """One labelled prompt: how right the policy's ladder ends on it, at least and at most, and how it ended.

    ``recorded`` is None for a prompt of a file: nothing was recorded of it.
    """

    low: float
    high: float
    recorded: float | None
    score: float | None = None
    known: bool = True
    """Whether every outcome on the way is known."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of right answers over ``prompts``, with its 95 % interval."""

    prompts: int
    right: float
    low: float
    high: float

    def as_json(self) -> dict[str, Json]:
        """For machines; nothing is claimed of no prompts."""
        named = {"right": self.right, "low": self.low, "high": self.high}
        return {
            "prompts": self.prompts,
            **{name: round(value, 4) if self.prompts else None for name, value in named.items()},
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """What the policy gains (below 0: loses) on the same prompts, with its 95 % interval; ``changed`` end otherwise."""

    value: float
    low: float
    high: float
    changed: int

    def as_json(self) -> dict[str, Json]:
        """For machines."""
        named = {"value": self.value, "low": self.low, "high": self.high}
        return {**{name: round(value, 4) for name, value in named.items()}, "changed": self.changed}


@dataclass(frozen=True, slots=True)
class Compared:
    """A policy beside what was recorded.

    ``known`` are the prompts on which every outcome on the way is known: the policy and the record are compared on
    these same ones. ``bounds`` is of all labelled prompts: unknown outcomes all fail … all pass, and beyond that the
    interval of either end, so that it holds whatever they are. ``selection`` tells how the known ones differ from the
    others.
    """

    prompts: int
    known: Share
    recorded: Share
    difference: Difference | None
    all_fail: float
    all_pass: float
    bounds: tuple[float, float]
    selection: Selection

    def as_json(self) -> dict[str, Json]:
        """The parts ``known``, ``all`` and ``selection`` of a replay's ``quality``."""
        return {
            "known": {
                **self.known.as_json(),
                "recorded": self.recorded.as_json(),
                "difference": None if self.difference is None else self.difference.as_json(),
            },
            "all": {
                "prompts": self.prompts,
                "unknown": self.prompts - self.known.prompts,
                "all_fail": round(self.all_fail, 4),
                "all_pass": round(self.all_pass, 4),
                "low": round(self.bounds[0], 4),
                "high": round(self.bounds[1], 4),
            },
            "selection": self.selection.as_json(),
        }


@dataclass(frozen=True, slots=True)
class Selection:
    """Means of prompts whose outcome is known, and of the others: their score, and how right the record is."""

    score: tuple[float | None, float | None]
    recorded: tuple[float | None, float | None]

    def as_json(self) -> dict[str, Json]:
        """For machines."""
        return {
            name: {"known": pair[0], "unknown": pair[1]}
            for name, pair in (("score", self.score), ("recorded_right", self.recorded))
        }


def compared(judged: Sequence[Judged]) -> Compared | None:
    """The figures of all; None without any prompt."""
    if not judged:
        return None
    known = [each for each in judged if each.known]
    both = [(each.low, each.recorded) for each in known if each.recorded is not None]
    all_fail, all_pass = fmean(each.low for each in judged), fmean(each.high for each in judged)
    count = len(judged)
    low, high = interval(all_fail * count, count)[0], interval(all_pass * count, count)[1]
    return Compared(
        prompts=count,
        known=share([each.low for each in known]),
        recorded=share([before for _, before in both]),
        difference=difference([after - before for after, before in both]) if both else None,
        all_fail=all_fail,
        all_pass=all_pass,
        bounds=(low, high),
        selection=_selection(known, [each for each in judged if not each.known]),
    )


def share(rights: Sequence[float]) -> Share:
    """A mean with Wilson's interval."""
    low, high = interval(sum(rights), len(rights))
    return Share(len(rights), fmean(rights) if rights else 0.0, low, high)


def interval(right: float, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval, which stays inside 0 … 1 for few prompts, too."""
    if not count:
        return 0.0, 1.0
    share, z = right / count, TWO_SIDED_95
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return max(0.0, centre - half) if right else 0.0, min(1.0, centre + half) if right < count else 1.0


def difference(gains: Sequence[float], z: float = TWO_SIDED_95) -> Difference:
    """The mean of paired gains. One half is added to each way to end (Agresti and Min), so that few prompts, or none
    that ends otherwise, claim no certainty."""
    count = len(gains) + 2
    up, down = sum(max(gain, 0.0) for gain in gains) + 0.5, sum(max(-gain, 0.0) for gain in gains) + 0.5
    middle = (up - down) / count
    half = z * sqrt(max(up + down - (up - down) ** 2 / count, 0.0)) / count
    changed = sum(abs(gain) > 1e-9 for gain in gains)
    value = fmean(gains) if gains else 0.0
    return Difference(value, max(-1.0, middle - half), min(1.0, middle + half), changed)


def _selection(known: Sequence[Judged], others: Sequence[Judged]) -> Selection:
    return Selection(
        (_mean([e.score for e in known]), _mean([e.score for e in others])),
        (_mean([e.recorded for e in known]), _mean([e.recorded for e in others])),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return round(fmean(found), 4) if found else None
