"""What happened in a run, in the past tense: the one stream that journal, progress, reports and metrics share.

Every event has ``at``, seconds since 1970 (UTC). ``address`` names one execution of one step. ``turn`` counts the
model calls of one execution of an agent step from 0 (judges and repairs included), ``attempt`` the tries of one turn
from 0, over all models; a further sample of a turn has a number of its own (``SAMPLE_TURNS``). Durations are seconds,
money whole nano-dollars.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from nano_flow.core.calls import (
    ABANDONED,
    CacheHit,
    CallFailed,
    CallFinished,
    CallIntended,
    CommandPrinted,
    HandlersStarted,
    PromptSent,
    ReplyChecked,
    RouteDecided,
    StepsReopened,
    TextStreamed,
    ToolCalled,
    ToolIntended,
)
from nano_flow.core.messages import Json
from nano_flow.core.money import Money
from nano_flow.core.outcomes import ItemFailure, RunStatus, SkipReason, StopReason

__all__ = [
    "ABANDONED",
    "ApprovalAnswered",
    "ApprovalAsked",
    "BudgetWarned",
    "CacheHit",
    "CallFailed",
    "CallFinished",
    "CallIntended",
    "CommandPrinted",
    "Event",
    "HandlersStarted",
    "NoticeGiven",
    "PromptSent",
    "ReplyChecked",
    "RouteDecided",
    "RunFinished",
    "RunStarted",
    "StepCollected",
    "StepExpanded",
    "StepFailed",
    "StepFinished",
    "StepRetried",
    "StepSkipped",
    "StepStarted",
    "StepsReopened",
    "TextStreamed",
    "ToolCalled",
    "ToolIntended",
    "WaitStarted",
]


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run began, or went on (``resumed``). ``policy`` names the documents in force, by digest and commit."""

    at: float
    run_id: str
    workflow: str
    file: str
    plan_digest: str
    inputs: Mapping[str, Json]
    policy: Mapping[str, Json]
    simulated: bool = False
    resumed: bool = False
    budget: Money | None = None
    trace: Mapping[str, Json] = field(default_factory=dict)
    """Its place in a distributed trace (``core/trace.py: RunTrace``)."""


@dataclass(frozen=True, slots=True)
class StepStarted:
    """An execution started; ``item`` and ``iteration`` are indices from 0 where the step is one of many."""

    at: float
    address: str
    step: str
    kind: str
    item: int | None = None
    iteration: int | None = None


@dataclass(frozen=True, slots=True)
class StepExpanded:
    """A fan-out read its list (``count`` items), or a loop began (at most ``count`` iterations)."""

    at: float
    address: str
    step: str
    kind: str
    over: Literal["for_each", "repeat"]
    count: int


@dataclass(frozen=True, slots=True)
class StepCollected:
    """A fan-out or a loop is over: all its executions are settled."""

    at: float
    address: str
    status: Literal["succeeded", "failed"]
    duration_s: float
    error: str = ""
    message: str = ""
    errors: tuple[ItemFailure, ...] = ()
    tolerated: bool = False


@dataclass(frozen=True, slots=True)
class StepRetried:
    """An attempt of a step failed and another follows after ``delay_s``."""

    at: float
    address: str
    attempt: int
    error: str
    message: str
    delay_s: float


@dataclass(frozen=True, slots=True)
class StepFinished:
    """An execution succeeded. ``replayed`` where every result of it was recorded by an earlier run of the process."""

    at: float
    address: str
    output: Json
    duration_s: float
    case: str | None = None
    errors: tuple[ItemFailure, ...] = ()
    recovered: str = ""
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class StepFailed:
    """An execution failed; ``tolerated`` under ``on_error: continue``; ``detail`` is what a command printed.

    ``fingerprint``, of what the execution was given, stands where a later life keeps the failure; it is then told
    again as ``replayed``.
    """

    at: float
    address: str
    error: str
    message: str
    duration_s: float
    tolerated: bool = False
    errors: tuple[ItemFailure, ...] = ()
    fingerprint: str = ""
    replayed: bool = False
    case: str | None = None
    detail: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class StepSkipped:
    """A step will not start."""

    at: float
    address: str
    step: str
    kind: str
    reason: SkipReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalAsked:
    """A person is asked; ``expires_at`` (seconds since 1970) where the question has a timeout."""

    at: float
    address: str
    message: str
    options: tuple[str, ...]
    input_schema: Mapping[str, Json] | None = None
    expires_at: float | None = None
    fingerprint: str = ""
    """Of the question as it was put, before anything secret was taken out; "" in stores of older versions."""


@dataclass(frozen=True, slots=True)
class ApprovalAnswered:
    """A person, or the timeout (``by`` is then ``timeout``), decided."""

    at: float
    address: str
    decision: str
    input: Json
    comment: str
    by: str


@dataclass(frozen=True, slots=True)
class WaitStarted:
    """A ``wait``, or the pause before an iteration, began; it is over at ``until`` (seconds since 1970).

    ``fingerprint`` says what was waited for; "" in stores of older versions.
    """

    at: float
    address: str
    until: float
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class BudgetWarned:
    """Spend passed ``share`` of a budget (0.8 = 80 %)."""

    at: float
    address: str
    share: float
    spent: Money
    limit: Money


@dataclass(frozen=True, slots=True)
class NoticeGiven:
    """Something that the reader of the run should know, in one sentence."""

    at: float
    address: str
    message: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run ended or paused; totals are folded from the other events."""

    at: float
    status: RunStatus
    outputs: Json
    error: str | None
    stop_reason: StopReason | None
    stop_address: str | None
    duration_s: float
    details: Mapping[str, Json] = field(default_factory=dict)


Event = (
    RunStarted
    | StepStarted
    | StepExpanded
    | StepCollected
    | RouteDecided
    | CallIntended
    | CallFailed
    | CallFinished
    | CacheHit
    | ReplyChecked
    | TextStreamed
    | CommandPrinted
    | ToolIntended
    | ToolCalled
    | StepRetried
    | StepFinished
    | StepFailed
    | StepSkipped
    | ApprovalAsked
    | ApprovalAnswered
    | WaitStarted
    | PromptSent
    | StepsReopened
    | HandlersStarted
    | BudgetWarned
    | NoticeGiven
    | RunFinished
)
