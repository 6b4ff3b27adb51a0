"""What is asked of a model and what it replies, in the terms of no provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from nano_flow.core.money import Money
from nano_flow.core.refs import ModelRef

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""Plain data: all that documents, templates, tools and stores hold."""

Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "tool_calls", "length", "content_filter", "incomplete"]


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model sees it; ``parameters`` is a JSON Schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call that a model asks for; ``id`` is kept verbatim, ``arguments`` is its JSON text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """An image or a text file that goes with a user message; ``data`` is base64 for images, text else."""

    name: str
    media_type: str
    data: str

    @property
    def digest(self) -> str:
        """What stands in it, in 20 hexadecimal digits."""
        return sha256(f"{self.media_type} {self.data}".encode("utf-8", "surrogatepass")).hexdigest()[:20]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; ``tool_call_id`` where the role is ``tool``."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    attachments: tuple[Attachment, ...] = ()
    provider_data: Mapping[str, Json] | None = None
    """What a provider wants back verbatim on the next turn (signed thinking blocks …)."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, each counted once.

    ``input_tokens`` excludes cached, written and audio ones; ``output_tokens`` excludes reasoning and audio ones;
    ``cache_write_tokens`` (5 minutes) excludes those written for an hour.
    ``measured`` is False where the provider reported nothing and the figures are estimates.
    """

    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    measured: bool = True
    cache_write_1h_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    reported: Money | None = None
    """What the server itself says that the call cost; None where it says nothing."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.cached_input_tokens + other.cached_input_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.output_tokens + other.output_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.measured and other.measured,
            self.cache_write_1h_tokens + other.cache_write_1h_tokens,
            self.audio_input_tokens + other.audio_input_tokens,
            self.audio_output_tokens + other.audio_output_tokens,
            None if self.reported is None or other.reported is None else Money(self.reported + other.reported),
        )

    @property
    def context(self) -> int:
        """All that the model read: the size by which prices rise ``above`` a threshold."""
        return (
            self.input_tokens
            + self.cached_input_tokens
            + self.cache_write_tokens
            + self.cache_write_1h_tokens
            + self.audio_input_tokens
        )

    @property
    def total(self) -> int:
        """All tokens of the call."""
        return self.context + self.output_tokens + self.reasoning_tokens + self.audio_output_tokens


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One model call, fully rendered; what a provider adapter gets.

    ``max_output_tokens`` is always sent. ``params`` holds the names of ``language.md`` §2.3
    (``temperature``, ``top_p``, ``seed``, ``stop``, ``reasoning_effort``, ``verbosity``, ``tool_choice``).
    ``timeout_s`` bounds the whole call. ``address``, ``turn`` and ``attempt`` tell scripted models which reply is due.
    """

    model: ModelRef
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    output_schema: Mapping[str, Json] | None = None
    max_output_tokens: int = 4096
    params: Mapping[str, Json] = field(default_factory=dict)
    timeout_s: float | None = None
    address: str = ""
    turn: int = 0
    attempt: int = 0
    purpose: Literal["agent", "judge"] = "agent"
    """Who asks: the agent of the step itself, or a judge of its ``verify``."""
    sample: int = 0
    """Which further sample of one question it is; 0 is the reply itself."""


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What a model replied. A reply that is not whole has the finish reason ``incomplete`` or ``length``."""

    text: str
    finish_reason: FinishReason
    usage: Usage
    tool_calls: tuple[ToolCall, ...] = ()
    model: str = ""
    """The model's name as the provider reported it."""
    simulated: bool = False
    provider_data: Mapping[str, Json] | None = None
