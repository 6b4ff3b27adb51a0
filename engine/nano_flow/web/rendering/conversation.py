"""What was said and done in one execution, turn by turn, and why this model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from nano_flow.core.calls import turn_and_sample
from nano_flow.core.events import (
    CacheHit,
    CallFailed,
    CallFinished,
    Event,
    ReplyChecked,
    RouteDecided,
    StepRetried,
    ToolCalled,
    ToolIntended,
)
from nano_flow.core.messages import Json

SHOWN = (CacheHit, CallFailed, CallFinished, ReplyChecked, RouteDecided, StepRetried, ToolCalled, ToolIntended)
"""The events that a conversation is made of."""


@dataclass(slots=True)
class ToolUse:
    """A tool that was called, or is at work: ``called`` is None until it ends."""

    call: str
    tool: str
    arguments: Json
    called: ToolCalled | None = None


@dataclass(slots=True)
class Turn:
    """One turn of a conversation: who was asked, what came back, what was done with it."""

    number: int
    label: str
    calls: list[Event] = field(default_factory=list)
    tools: list[ToolUse] = field(default_factory=list)
    checks: list[ReplyChecked] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Decision:
    """Why this model: what gave points, who may serve in which order, who may not and why."""

    requested: str
    score: float | None
    tier: str | None
    because: list[Mapping[str, Json]]
    candidates: list[str]
    refused: dict[str, list[str]]
    """Reason → the models that it holds for."""


def turns(events: Iterable[Event]) -> list[Turn]:
    """The conversation, turn by turn."""
    found: dict[int, Turn] = {}
    for event in events:
        number = getattr(event, "turn", None)
        if number is None or isinstance(event, RouteDecided):
            continue
        turn = found.get(number)
        if turn is None:
            first, sample = turn_and_sample(number)
            again = f" (try {first // 1000 + 1})" if first >= 1000 else ""
            label = f"Turn {first % 1000 + 1}{again}" + (f", sample {sample + 1}" if sample else "")
            turn = found[number] = Turn(number, label)
        if isinstance(event, ToolIntended):
            turn.tools.append(ToolUse(event.call, event.tool, event.arguments))
        elif isinstance(event, ToolCalled):
            _settle(turn, event)
        elif isinstance(event, ReplyChecked):
            turn.checks.append(event)
        else:
            turn.calls.append(event)
    return [found[number] for number in sorted(found)]


def asked(told: Iterable[Mapping[str, Json]]) -> dict[int, list[Mapping[str, Json]]]:
    """The messages that went out in each turn, without those that the turn before it had sent already."""
    found: dict[int, list[Mapping[str, Json]]] = {}
    before: list[Mapping[str, Json]] = []
    for entry in told:
        if entry["what"] != "asked":
            continue
        messages = _mappings(entry.get("messages"))
        same = 0
        while same < min(len(before), len(messages)) and before[same] == messages[same]:
            same += 1
        turn = entry["turn"]
        assert isinstance(turn, int)
        found[turn], before = messages[same:], messages
    return found


def _settle(turn: Turn, event: ToolCalled) -> None:
    """The end of a tool goes to its beginning; one whose beginning nobody wrote down stands alone."""
    for use in reversed(turn.tools):
        if use.call == event.call and use.called is None:
            use.called = event
            return
    turn.tools.append(ToolUse(event.call, event.tool, None, event))


def decision(events: Iterable[Event]) -> Decision | None:
    """The first decision of the step's own agent."""
    for event in events:
        if isinstance(event, RouteDecided) and event.purpose == "agent":
            told = event.decision
            refused: dict[str, list[str]] = {}
            for one in _mappings(told.get("refused")):
                refused.setdefault(str(one.get("reason")), []).append(str(one.get("model")))
            return Decision(
                event.requested,
                event.score,
                event.tier,
                _mappings(told.get("because")),
                _names(told.get("candidates")),
                refused,
            )
    return None


def _mappings(value: Json) -> list[Mapping[str, Json]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _names(value: Json) -> list[str]:
    named = value if isinstance(value, list) else []
    return [str(one.get("model")) if isinstance(one, dict) else str(one) for one in named]
