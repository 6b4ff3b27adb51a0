"""The seams of the engine: what an adapter from outside has to offer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from nano_flow.core.events import (
    ApprovalAnswered,
    CallFinished,
    CallIntended,
    Event,
    ReplyChecked,
    ToolCalled,
    ToolIntended,
)
from nano_flow.core.messages import ChatReply, ChatRequest, Json, ToolSpec
from nano_flow.core.money import Money


class Clock(Protocol):
    """Time; a fake one makes hours pass in a test."""

    def now(self) -> float:
        """Seconds since 1970, UTC: for records."""

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps: for durations and timeouts."""

    async def sleep(self, seconds: float) -> None:
        """Come back after ``seconds``."""

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[object]:
        """Raise TimeoutError inside the block after ``seconds`` (None: never)."""


class ChatProvider(Protocol):
    """Serves model calls of one provider of ``providers.yaml``."""

    async def complete(self, request: ChatRequest, on_text: Callable[[str], None] | None = None) -> ChatReply:
        """Answer one request.

        Streams pieces of text to ``on_text`` where it is given. Raises only subclasses of ``ProviderError``,
        with redacted messages; a reply that was cut off is raised as ``ConnectionLost(maybe_billed=True)``.
        """

    async def close(self) -> None:
        """Release connections; called once, at the end of the run."""


class Tool(Protocol):
    """One thing that an agent, or a ``tool`` step, may do."""

    @property
    def spec(self) -> ToolSpec:
        """Name, description and JSON Schema of the arguments (already validated when ``call`` is called)."""

    @property
    def repeatable(self) -> bool:
        """True where a second call after a crash does no harm (reads); else it is never repeated silently."""

    def writes(self, arguments: Mapping[str, Json]) -> str | None:
        """The key of what a call changes (a path), so that calls with one key run in order; None: nothing."""

    async def call(self, arguments: Mapping[str, Json]) -> Json:
        """Do it. Raises ``StepError("tool", message)`` where it cannot; cancellation must stop it."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended; output beyond the cap is cut and ends with a note that says so."""

    stdout: str
    stderr: str
    exit_code: int


class Commands(Protocol):
    """Starts commands of this machine."""

    async def run(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str, stdin: str | None = None
    ) -> CommandResult:
        """Run a command to its end, without a shell, with exactly ``env``; no stdin is an empty one.

        When this returns, raises or is cancelled, nothing that the command started is alive. Raises
        ``StepError("command", …)`` where it cannot be started.
        """


class EventSink(Protocol):
    """Sees every event of a run as it happens; must be quick and must not raise."""

    def handle(self, event: Event) -> None:
        """Take one event."""

    def close(self) -> None:
        """The run is over."""


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


@dataclass(frozen=True, slots=True)
class RecordedWork:
    """What an earlier life of this run already did, by address."""

    calls: Mapping[tuple[str, int], CallFinished]
    """(address, turn) → the recorded reply; compare fingerprints before use."""
    tools: Mapping[tuple[str, int, str], ToolCalled]
    tools_in_doubt: Mapping[tuple[str, int, str], ToolIntended]
    """Tools that were started and whose end is unknown."""
    approvals: Mapping[str, ApprovalAnswered]
    asked_at: Mapping[str, float]
    waits: Mapping[str, float]
    """address → when the wait is over, seconds since 1970."""
    spent: Money
    possibly_spent: Money
    spent_tokens: int
    active_s: float
    """Seconds that earlier lives were active, for ``limits.timeout``."""
    unknown_calls: tuple[CallIntended, ...] = ()
    """Calls that the life before sent and did not see the end of; their worst case is in ``possibly_spent``."""
    finished: frozenset[str] = frozenset()
    """Addresses whose last execution succeeded."""
    checked: Mapping[tuple[str, int], ReplyChecked] = field(default_factory=dict)
    """(address, turn) → what the checks said of the recorded reply."""
    since_end: RecordedWork | None = None
    """The same without the tools, waits and approvals of lives that came to an end: handlers run at every end."""


class Journal(Protocol):
    """What was decided, paid and done, of one run. One writer; writes are grouped into commits."""

    def record(self, event: Event) -> None:
        """Write soon. Raises StoreError once an earlier write has failed."""

    async def durable(self, event: Event) -> None:
        """Write and return when it is on disk. Raises StoreError."""

    async def flush(self) -> None:
        """Return when everything recorded so far is on disk. Raises StoreError."""

    def recorded(self) -> RecordedWork:
        """What earlier lives of this run did; read once, at the start."""

    async def close(self) -> None:
        """Flush, give the lease back, close."""


class Cache(Protocol):
    """Replies kept between runs, by fingerprint."""

    def get(self, key: str, now: float) -> tuple[ChatReply, Money] | None:
        """The reply and what it had cost, or None."""

    def put(self, key: str, reply: ChatReply, cost: Money, now: float, ttl_s: float | None) -> None:
        """Keep a whole reply."""


class Approver(Protocol):
    """Asks a person; a terminal, a dashboard, a store that someone answers in."""

    async def ask(
        self, address: str, message: str, options: Sequence[str], input_schema: Mapping[str, Json] | None
    ) -> ApprovalAnswered | None:
        """The answer, or None where nobody is there to ask: the run then saves itself and waits."""


@dataclass(frozen=True, slots=True)
class ServerOrder:
    """A server of tools as it is to be started: settings rendered, ``workflow`` the file that names it."""

    name: str
    workflow: str
    command: tuple[str, ...]
    url: str
    env: Mapping[str, str]
    headers: Mapping[str, str]
    workspace: str


class ToolServer(Protocol):
    """A server of tools that lives as long as a run (MCP)."""

    async def tools(self, wanted: Sequence[str] | None = None) -> Sequence[Tool]:
        """Start it where it is not running; the tools that are wanted, by their names on the server, else all of them.

        The names of their specs are ``server.tool``. Raises StepError, of the class ``tool_changed`` where a tool is
        not what was accepted.
        """

    async def close(self) -> None:
        """Stop it and everything that it started."""


EventStream = AsyncIterator[Event]
