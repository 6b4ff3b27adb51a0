"""How the execution of a step ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nano_flow.core.messages import Json

SkipReason = Literal["condition", "trigger_rule", "upstream_failed", "branch_not_taken", "run_stopped"]
StopReason = Literal["budget", "limit", "approval", "interrupt", "provider", "cancelled"]
RunStatus = Literal["succeeded", "failed", "paused", "cancelled", "running"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a step failed: ``kind`` is the class of error (``command``, ``timeout``, ``schema`` …).

    ``provider``: no provider could serve it.
    """

    kind: str
    message: str
    provider: bool = False


@dataclass(frozen=True, slots=True)
class ItemFailure:
    """A failed item of a fan-out, as in ``steps.ID.errors``."""

    index: int
    item: Json
    failure: Failure


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The step has an output; ``case`` where it was a switch, ``errors`` the failed items that it tolerates.

    ``recovered`` holds the failure that ``on_error: {output: …}`` replaced.
    """

    output: Json
    case: str | None = None
    errors: tuple[ItemFailure, ...] = ()
    recovered: Failure | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The step failed; ``tolerated`` under ``on_error: continue``."""

    failure: Failure
    tolerated: bool = False
    errors: tuple[ItemFailure, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """The step never started."""

    reason: SkipReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The step can only go on after something from outside: an answer, a larger budget."""

    reason: StopReason
    address: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """A ``finish`` or ``fail`` step ends the whole workflow that it stands in."""

    failed: bool
    message: str
    address: str = ""


StepOutcome = Succeeded | Failed | Skipped | Waiting | Ended
