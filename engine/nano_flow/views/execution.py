"""What is known of one execution of one step, in little memory: a fan-out has ten thousand of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from nano_flow.core.messages import Json, Usage

NO_TURNS: frozenset[int] = frozenset()


class Attempt(NamedTuple):
    """One try of one model; ``error`` is the class of its failure, ``cost`` None where it is unpriced."""

    turn: int
    model: str
    error: str | None
    duration_s: float
    cost: int | None


class Check(NamedTuple):
    """What the checks said of the reply of one turn; ``by`` what kind of check, ``score`` a judge's."""

    turn: int
    model: str
    passed: bool
    by: str
    score: float | None


@dataclass(slots=True)
class StepView:
    """One execution. ``cost`` holds real and simulated money alike: one call is either."""

    address: str
    id: str
    kind: str
    item: int | None = None
    iteration: int | None = None
    status: str = "pending"
    reason: str | None = None
    detail: str = ""
    requested: str | None = None
    model: str | None = None
    score: float | None = None
    tier: str | None = None
    attempts: list[Attempt] = field(default_factory=list)
    retries: int = 0
    cost: int = 0
    unpriced_calls: int = 0
    simulated: bool = False
    usage: Usage | None = None
    cache_hits: int = 0
    checks: tuple[Check, ...] = ()
    judge_turns: frozenset[int] = NO_TURNS
    output: Json = None
    case: str | None = None
    error: tuple[str, str] | None = None
    """Class and message."""
    failed_with: Mapping[str, Json] | None = None
    """What a failed command printed, and its exit code."""
    tolerated: bool = False
    replayed: bool = False
    """True where the life that goes on found it done."""
    started_at: float | None = None
    duration_s: float | None = None

    @property
    def cached(self) -> bool:
        """True where every reply came from the cache."""
        return self.cache_hits > 0 and not self.attempts

    def settle(self, status: str, duration_s: float) -> None:
        """It is over. What an earlier life did is only read back in a later one: the longer time is the true one."""
        self.status = status
        self.duration_s = max(duration_s, self.duration_s or 0.0)

    def renew(self) -> None:
        """It is to be done, or decided, in the life that has begun."""
        self.status, self.reason, self.error, self.tolerated, self.replayed = "pending", None, None, False, False

    def pay(self, cost: int | None, usage: Usage | None, *, simulated: bool) -> None:
        """Take in what one call cost and used."""
        if cost is None:
            self.unpriced_calls += 1
        else:
            self.cost += cost
        if usage is not None:
            self.usage = usage if self.usage is None else self.usage + usage
        self.simulated = self.simulated or simulated

    def note_judge(self, turn: int) -> None:
        """``turn`` is a judge's: its model is not the step's."""
        self.judge_turns = self.judge_turns | {turn}


@dataclass(slots=True)
class Expansion:
    """A fan-out or loop as a whole; its executions have rows of their own."""

    id: str
    kind: str
    over: str
    count: int
    status: str = "running"
    duration_s: float | None = None
    error: tuple[str, str] | None = None
