"""The tree of errors; the class of an error is the policy that answers it.

NanoFlowError
├── UsageError                     wrong words on the command line, exit 2
├── DocumentError(diagnostics)     an invalid document, nothing was sent, exit 3
├── StoreError(path)               the journal cannot be written or read; the run stops
└── RunError
    ├── StepError(kind_of_error)   a step failed
    │   └── OutputLimit(partial)   a result was too large to keep
    ├── LimitReached(limit)        a budget or a bound was reached, exit 5
    └── ProviderError
        ├── Retryable              the same model again
        │   ├── RateLimited(retry_after) · Overloaded · TimedOut · ConnectionLost · ServerFailed
        ├── NextModel              another model
        │   ├── ContextTooLong · ModelUnknown · BadCredentials · QuotaUsed
        └── Fatal                  the step fails
            ├── BadRequest · ContentRefused
"""

from __future__ import annotations

from collections.abc import Sequence

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.messages import Json, Usage


class NanoFlowError(Exception):
    """Anything that nano-flow says to its reader; ``str()`` is the whole message."""

    exit_code = 1


class UsageError(NanoFlowError):
    """Wrong words on the command line or wrong inputs."""

    exit_code = 2


class RunTaken(UsageError):
    """A run that was to be taken up is not as it was seen any more: somebody else was faster."""


class DocumentError(NanoFlowError):
    """One or more documents are invalid; nothing was started and nothing was sent."""

    exit_code = 3

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(f"{d}; {d.hint}" if d.hint else str(d) for d in self.diagnostics))


class StoreError(NanoFlowError):
    """The store at ``path`` cannot be used; whatever was not yet paid is not paid."""

    exit_code = 1

    def __init__(self, path: str, message: str) -> None:
        self.path = path
        super().__init__(f"{path}: {message}")


class RunError(NanoFlowError):
    """A run could not go on."""

    kind = "error"


class StepError(RunError):
    """A step failed; ``kind`` is the class that ``retry.errors`` and ``steps.ID.errors`` name."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


class OutputLimit(StepError):
    """A result is larger than what is kept of one; ``partial`` is what was kept, for whoever only shows it."""

    def __init__(self, message: str, partial: Json = None) -> None:
        self.partial = partial
        super().__init__("output_limit", message)


class LimitReached(RunError):
    """A budget or a bound would be overrun; ``limit`` names it, e.g. ``budget.usd``.

    ``scope`` is the address whose budget it is; ``""`` is the run's own.
    """

    exit_code = 5
    kind = "limit"
    pauses = False
    """True where the run may go on by itself later: a budget over runs has a next window."""

    def __init__(self, limit: str, message: str, scope: str = "") -> None:
        self.limit = limit
        self.scope = scope
        super().__init__(message)


class ProviderError(RunError):
    """A model call failed. Messages are redacted by the adapter that raises it."""

    kind = "provider"
    maybe_billed = False
    usage: Usage | None = None
    """What the failed call is known to have used (a cut stream that had reported it, a reply that is not usable)."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        self.status = status
        super().__init__(message)


class Retryable(ProviderError):
    """The same model may answer if asked again."""


class RateLimited(Retryable):
    """The provider asks to slow down; ``retry_after`` in seconds where it said so."""

    kind = "rate_limit"

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message, status=status)


class Overloaded(RateLimited):
    """The provider has no capacity for the moment (503, 529)."""

    kind = "overloaded"


class ServerFailed(Retryable):
    """The provider failed (5xx) or sent something that cannot be read."""

    kind = "server_error"


class TimedOut(Retryable):
    """No answer in time; it may have been billed."""

    kind = "timeout"
    maybe_billed = True


class ConnectionLost(Retryable):
    """The connection was refused or broke; broken half-way it may have been billed."""

    kind = "connection"

    def __init__(self, message: str, *, status: int | None = None, maybe_billed: bool = False) -> None:
        self.maybe_billed = maybe_billed
        super().__init__(message, status=status)


class NextModel(ProviderError):
    """This model cannot answer, another one may."""


class ContextTooLong(NextModel):
    """The prompt does not fit the model's window."""

    kind = "context_window"


class ModelUnknown(NextModel):
    """The provider does not know the model."""

    kind = "model_not_found"


class BadCredentials(NextModel):
    """The key is missing, wrong or has no access."""

    kind = "credentials"


class QuotaUsed(NextModel):
    """The account has no funds left, or its limit of spend or its quota of a longer time is used up."""

    kind = "quota"


class Fatal(ProviderError):
    """No model will answer this."""


class BadRequest(Fatal):
    """The provider refuses the request's form."""

    kind = "bad_request"


class ContentRefused(Fatal):
    """A content filter or the model refuses."""

    kind = "content_filter"


WITHOUT_REPLY = frozenset(
    {
        *(cls.kind for cls in (RateLimited, Overloaded, ServerFailed, TimedOut, ConnectionLost, ProviderError)),
        *(cls.kind for cls in (ContextTooLong, ModelUnknown, BadCredentials, QuotaUsed, BadRequest)),
        *("quota", "budget", "limit", "cancelled", "tool_changed"),
    }
)
"""Classes of failures in which nothing was said or done that a resume would have to give up: it simply goes on."""
