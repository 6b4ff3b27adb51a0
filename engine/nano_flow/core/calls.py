"""What happened between the engine and the world: model calls, replies, tools. Part of ``core/events.py``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from nano_flow.core.messages import ChatReply, Json, Usage
from nano_flow.core.money import ZERO, Money
from nano_flow.core.refs import around, path_of

ABANDONED = "abandoned"
"""The error of a call that was sent and whose end nobody recorded: its process died. Told when the run goes on."""

TURNS_PER_GENERATION = 1_000
"""Turn numbers that one attempt of a retried group may use."""

SAMPLE_TURNS = 1_000_000
"""A further sample of a turn has a turn number of its own: this much above the turn's, for each sample."""


def turn_and_sample(number: int) -> tuple[int, int]:
    """The turn that a number belongs to, and which further sample of it that is (0: the reply itself)."""
    sample, turn = divmod(number, SAMPLE_TURNS)
    return turn, sample


@dataclass(frozen=True, slots=True)
class RouteDecided:
    """Which models may serve a turn, and why; ``decision`` is a ``nano-flow/decision@1`` mapping.

    The turns of a judge are not those of the step's own agent: reports tell the step's model by the latter.
    """

    at: float
    address: str
    turn: int
    requested: str
    score: float | None
    tier: str | None
    decision: Mapping[str, Json]
    purpose: Literal["agent", "judge"] = "agent"


@dataclass(frozen=True, slots=True)
class CallIntended:
    """A model call is about to be sent; ``reserved`` is its worst case. Durable before it is sent.

    ``unpriced`` says why nobody knows what it may cost; ``reserved`` is 0 then, which bounds nothing.
    """

    at: float
    address: str
    turn: int
    attempt: int
    model: str
    requested: str
    fingerprint: str
    reserved: Money
    reserved_tokens: int = 0
    unpriced: str = ""


@dataclass(frozen=True, slots=True)
class CallFailed:
    """A model call failed; ``possibly_spent`` is what it may have cost, ``cost`` what it is known to have cost.

    ``cost`` is None where it was, or may have been, billed and nobody knows the price; ``unpriced`` says why.
    """

    at: float
    address: str
    turn: int
    attempt: int
    model: str
    error: str
    message: str
    duration_s: float
    cost: Money | None = ZERO
    possibly_spent: Money = ZERO
    usage: Usage | None = None
    simulated: bool = False
    unpriced: str = ""


@dataclass(frozen=True, slots=True)
class CallFinished:
    """A model call was answered. ``cost`` is None where it is unpriced, and ``unpriced`` says why."""

    at: float
    address: str
    turn: int
    attempt: int
    model: str
    requested: str
    fingerprint: str
    reply: ChatReply
    duration_s: float
    cost: Money | None
    price_entry: str = ""
    unpriced: str = ""
    reserved: Money = ZERO
    first_token_s: float | None = None
    files: Mapping[str, Json] = field(default_factory=dict)
    """Path → digest of what was attached."""


@dataclass(frozen=True, slots=True)
class CacheHit:
    """A reply came from the cache and cost nothing; ``saved`` is what it had cost."""

    at: float
    address: str
    turn: int
    model: str
    requested: str
    fingerprint: str
    reply: ChatReply
    saved: Money


@dataclass(frozen=True, slots=True)
class ReplyChecked:
    """What a step's checks said of a whole reply of its agent: told once, and kept as a label to learn from.

    ``by`` is the check that failed, else the last that was passed; ``score`` is the lowest that a judge gave.
    ``prompt_digest`` is that of the messages the conversation began with, the same for every model that is asked.
    """

    at: float
    address: str
    turn: int
    model: str
    passed: bool
    by: Literal["schema", "check", "judge", "run"]
    prompt_digest: str
    score: float | None = None
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class TextStreamed:
    """A piece of a reply, for progress only: it is not journaled."""

    at: float
    address: str
    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class CommandPrinted:
    """Whole lines that a command has printed so far, while it runs; its result holds them again.

    Told of a command that takes a while, and of the beginning of what it prints.
    """

    at: float
    address: str
    stream: str
    text: str


@dataclass(frozen=True, slots=True)
class ToolIntended:
    """A tool or command is about to run. Durable before it starts. ``call`` names it inside its turn."""

    at: float
    address: str
    turn: int
    call: str
    tool: str
    fingerprint: str
    arguments: Json


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """A tool or command ran; ``error`` holds its message and ``error_kind`` its class where it failed."""

    at: float
    address: str
    turn: int
    call: str
    tool: str
    fingerprint: str
    result: Json
    duration_s: float
    error: str = ""
    error_kind: str = ""
    simulated: bool = False
    """It was only stood in for."""


TEXTS = "text"
"""The kind of mark that a store keeps a message as."""


@dataclass(frozen=True, slots=True)
class PromptSent:
    """What a turn asks, for reports: each message as JSON text, in a store as its digest."""

    at: float
    address: str
    turn: int
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StepsReopened:
    """A person ordered, by a resume, that executions are done again: what they had recorded is not used any more.

    ``addresses`` are executions with all inside them, ``paths`` steps with all their executions.
    """

    at: float
    address: str
    addresses: tuple[str, ...]
    paths: tuple[str, ...] = ()


class Reopened:
    """Which executions a ``StepsReopened`` is about."""

    def __init__(self, order: StepsReopened) -> None:
        self._addresses = frozenset(order.addresses)
        self._paths = frozenset(order.paths)
        self._around = frozenset(outer for place in order.addresses for outer in around(place))
        self._paths_around = frozenset(outer for path in order.paths for outer in around(path))

    def covers(self, place: str) -> bool:
        """Whether the execution at ``place`` is done again."""
        if self._addresses and not self._addresses.isdisjoint(around(place)):
            return True
        return bool(self._paths) and not self._paths.isdisjoint(around(path_of(place)))

    def reaches(self, place: str) -> bool:
        """Whether it, or something inside it, is done again."""
        return self.covers(place) or place in self._around or path_of(place) in self._paths_around


@dataclass(frozen=True, slots=True)
class HandlersStarted:
    """The run, or the group at ``address``, ended as ``status``: its ``on_failure`` and ``finally`` begin."""

    at: float
    address: str
    status: str
