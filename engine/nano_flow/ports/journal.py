"""What one run remembers: its head, what earlier lives did, and the one who writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from nano_flow.core.events import (
    ApprovalAnswered,
    CallFinished,
    CallIntended,
    Event,
    ReplyChecked,
    StepCollected,
    StepFailed,
    ToolCalled,
    ToolIntended,
    WaitStarted,
)
from nano_flow.core.messages import Json
from nano_flow.core.money import Money
from nano_flow.core.refs import path_of
from nano_flow.core.secrets.masks import Masks

HEAD_FIELDS = ("inputs", "options", "documents", "policy", "steps", "kinds", "context", "place")
"""The fields of a record that hold what people wrote: these are cleaned of secrets before they are stored."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The head of one run in a journal. ``plan`` is the frozen plan as JSON, ``documents`` the texts in force."""

    run_id: str
    workflow: str
    file: str
    created_at: float
    plan_digest: str
    status: str
    simulated: bool
    inputs: Mapping[str, Json]
    options: Mapping[str, Json]
    documents: Mapping[str, str]
    policy: Mapping[str, Json]
    steps: Mapping[str, str]
    """Step path → digest of its definition, to name the steps that changed on resume."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Step path → kind, in the plan's order, so that a report can show steps that never began."""
    context: Mapping[str, str] = field(default_factory=dict)
    """Workspace, tools and defaults by name → digest; empty in runs of versions that did not keep it."""
    place: str = ""
    """``file`` relative to the folder in which the state lies; "" in runs of versions that did not keep it."""
    masks: Masks = ()
    """What was taken out of it before it was stored, as references."""


@dataclass(frozen=True, slots=True)
class RecordedWork:
    """What an earlier life of this run already did, by address."""

    calls: Mapping[tuple[str, int], CallFinished]
    """(address, turn) → the recorded reply; compare fingerprints before use."""
    tools: Mapping[tuple[str, int, str], ToolCalled]
    tools_in_doubt: Mapping[tuple[str, int, str], ToolIntended]
    """Tools that were started and whose end is unknown."""
    approvals: Mapping[tuple[str, str], ApprovalAnswered]
    """(address, fingerprint of the question) → what was answered."""
    asked_at: Mapping[tuple[str, str], float]
    waits: Mapping[str, WaitStarted]
    spent: Money
    possibly_spent: Money
    spent_tokens: int
    active_s: float
    """Seconds that earlier lives were active, for ``limits.timeout``."""
    unknown_calls: tuple[CallIntended, ...] = ()
    """Calls that the life before sent and did not see the end of; their worst case is in ``possibly_spent``."""
    finished: frozenset[str] = frozenset()
    """Addresses whose last execution succeeded."""
    tolerated: Mapping[tuple[str, str], StepFailed] = field(default_factory=dict)
    """(address, fingerprint) → a failure that the workflow tolerated: it is kept, not tried again."""
    tolerated_at: frozenset[str] = frozenset()
    """The addresses of ``tolerated``."""
    failed: Mapping[str, StepFailed | StepCollected] = field(default_factory=dict)
    """Address → how its last execution failed."""
    kept_anyway: frozenset[str] = frozenset()
    """Steps (paths) whose executions are kept although a ``setup`` before them runs again and may give other values."""
    torn_down: Mapping[str, float] = field(default_factory=dict)
    """Address of a graph (``""`` is the run) → when its handlers ran last."""
    checked: Mapping[tuple[str, int], ReplyChecked] = field(default_factory=dict)
    """(address, turn) → what the checks said of the recorded reply."""
    since_end: RecordedWork | None = None
    """The same without the tools, waits and approvals of lives that came to an end: handlers run at every end."""

    def holds(self, address: str) -> bool:
        """Whether what was done at ``address`` serves whatever is asked now: it succeeded below a ``setup``."""
        return bool(self.kept_anyway) and address in self.finished and path_of(address) in self.kept_anyway

    def answer(self, address: str, fingerprint: str) -> ApprovalAnswered | None:
        """What a person answered to the question."""
        found = self.approvals.get((address, fingerprint))
        if found is None and self.holds(address):
            return next((answer for (place, _), answer in self.approvals.items() if place == address), None)
        return found


class Journal(Protocol):
    """What was decided, paid and done, of one run. One writer; writes are grouped into commits."""

    @property
    def cancel_requested(self) -> bool:
        """True once somebody asked, from another process, to cancel the run."""

    def record(self, event: Event, masks: Masks = ()) -> None:
        """Write soon; ``masks`` are what was taken out of ``event``. Raises StoreError once a write has failed."""

    async def durable(self, event: Event, masks: Masks = ()) -> None:
        """Write and return when it is on disk. Raises StoreError."""

    async def flush(self) -> None:
        """Return when everything recorded so far is on disk. Raises StoreError."""

    def recorded(self) -> RecordedWork:
        """What earlier lives of this run did; read once, at the start."""

    async def close(self) -> None:
        """Flush, give the lease back, close."""
