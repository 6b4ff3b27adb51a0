"""How the execution of a step ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from nano_flow.core.messages import Json

SkipReason = Literal["condition", "trigger_rule", "upstream_failed", "branch_not_taken", "run_stopped"]
StopReason = Literal["budget", "limit", "approval", "wait", "interrupt", "crash", "provider", "cancelled"]
RunStatus = Literal["succeeded", "failed", "paused", "cancelled", "running"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a step failed: ``kind`` is the class of error (``command``, ``timeout``, ``schema`` …).

    ``provider``: no provider could serve it. ``address``: the first failed step at the bottom of it all. ``detail``:
    ``exit_code``, ``stdout`` and ``stderr`` of a command.
    """

    kind: str
    message: str
    provider: bool = False
    address: str = ""
    detail: Mapping[str, Json] | None = None

    def at(self, address: str) -> Failure:
        """The same failure, told of the step at ``address`` unless a step inside it was named."""
        return self if self.address else replace(self, address=address)

    def told(self) -> Failure:
        """The same failure, its message naming the step at the bottom."""
        if not self.address or f'"{self.address}"' in self.message:
            return self
        return replace(self, message=f'step "{self.address}": {self.message}')

    def shown(self, *, command: bool = False) -> dict[str, Json]:
        """What ``steps.ID.error`` is; that of a ``command`` always has the parts of one, null where it never ended."""
        parts: dict[str, Json] = {"exit_code": None, "stdout": None, "stderr": None} if command else {}
        return {"class": self.kind, "message": self.message, **parts, **(self.detail or {})}


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
    """The step failed; ``tolerated`` under ``on_error: continue``; ``case`` where it was a switch."""

    failure: Failure
    tolerated: bool = False
    errors: tuple[ItemFailure, ...] = ()
    case: str | None = None


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
    """A ``finish`` or ``fail`` step ends the whole workflow that it stands in.

    ``output`` and ``case`` are what the step has that tells it: of a group around it, what it had by then.
    """

    failed: bool
    message: str
    address: str = ""
    output: Json = None
    case: str | None = None

    @property
    def failure(self) -> Failure:
        """Why the steps around a ``fail`` are failed."""
        return Failure("fail", self.message, address=self.address)


StepOutcome = Succeeded | Failed | Skipped | Waiting | Ended
