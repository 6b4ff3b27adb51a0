"""The document of a service: where it keeps things, what it may spend over all runs, what starts when, who is told."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from nano_flow.documents.common import (
    Document,
    Duration,
    Identifier,
    Items,
    LanguageVersion,
    Maybe,
    Name,
    Share,
    TemplateText,
    Text,
    Title,
    UsdAmount,
)

Occasion = Literal["failed", "crashed", "asks", "budget"]
Window = Literal["day", "week", "month"]
_ONE_WAY: JsonDict = {"oneOf": [{"required": ["webhook"]}, {"required": ["command"]}]}


class RunsBudgetDocument(Document):
    """At most this much in a calendar window, over all runs of one store."""

    usd: UsdAmount
    """US dollars."""
    per: Window
    """The window: a day, a week from Monday on, or a month."""
    timezone: Maybe[Text] = None
    """Where the window begins: a name such as Europe/Berlin; default: UTC."""
    workflow: Maybe[Title] = None
    """Only what runs of this workflow spend: the `name:` of its file."""
    tags: Maybe[Annotated[Items[Text], Field(min_length=1)]] = None
    """Only calls that carry one of these tags."""
    provider: Maybe[Name] = None
    """Only calls of this provider."""
    warn_at: Maybe[Share] = None
    """Share of the budget at which to say so."""
    on_exceed: Literal["stop", "pause"] = "stop"
    """What becomes of the run whose call does not fit: it ends, or it goes on when the window is over."""


class ScheduleDocument(Document):
    """When a workflow starts by itself."""

    cron: Text
    """Minute, hour, day of the month, month, day of the week: `0 3 * * *`."""
    timezone: Maybe[Text] = None
    """Whose clock that is: a name such as Europe/Berlin; default: UTC."""
    catch_up: bool = False
    """Start one run for the times that were missed while nothing was alive to start them."""


class ConcurrencyDocument(Document):
    """How many runs of a group may be under way."""

    group: Name
    """Its name; workflows that name the same one share it."""
    at_most: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Runs under way at a time."""
    otherwise: Literal["queue", "skip", "cancel_running"] = "queue"
    """What becomes of one too many: it waits, it does not start, or it takes the place of the oldest."""


class WebhookDocument(Document):
    """Starts a workflow by a signed request to `/hooks/PATH`."""

    path: Name
    """The last part of the address."""
    secret: Identifier
    """The variable of the environment that holds the secret."""
    signature: Literal["github", "slack"] = "github"
    """Whose form of signature the sender uses."""
    inputs: Maybe[dict[Identifier, TemplateText]] = None
    """The inputs of the run; templates see `body` and `headers`."""


class ServedWorkflowDocument(Document):
    """A workflow that the service offers, under a name of its own."""

    file: Text
    """The workflow; the path counts from service.yaml."""
    inputs: Maybe[dict[Identifier, Any]] = None
    """Values of its inputs, where nothing else is given."""
    schedule: Maybe[ScheduleDocument] = None
    """When it starts by itself."""
    concurrency: Maybe[ConcurrencyDocument] = None
    """How many of it may be under way."""
    webhook: Maybe[WebhookDocument] = None
    """A request from outside that starts it."""
    mcp: bool = False
    """Offered to other programs as a tool."""


class NotificationDocument(Document):
    """Who is told of what; `webhook` or `command` says how."""

    model_config = ConfigDict(json_schema_extra=_ONE_WAY)

    on: Annotated[Items[Occasion], Field(min_length=1)]
    """Of what: a run failed, its process died, it asks a person, a budget was reached."""
    webhook: Maybe[str] = None
    """The address to post to; `${VAR:-}` is expanded, and empty means nobody."""
    format: Literal["json", "slack"] = "json"
    """What is posted."""
    command: Maybe[Annotated[Items[Text], Field(min_length=1)]] = None
    """A program that gets the message as JSON on its standard input."""

    @model_validator(mode="after")
    def _one_way(self) -> NotificationDocument:
        if (self.webhook is None) == (self.command is None):
            raise ValueError('expected exactly one of "webhook" and "command"')
        return self


class RetentionDocument(Document):
    """How long things are kept."""

    runs: Maybe[Duration] = None
    """Runs, from their start on; what they cost stays in the ledger."""
    texts: Maybe[Duration] = None
    """Prompts, replies and outputs of commands."""


class TelemetryDocument(Document):
    """Where traces go."""

    otlp: Maybe[str] = None
    """The address of an OpenTelemetry collector; `${VAR:-}` is expanded, and empty means nowhere."""
    content: bool = False
    """Send prompts and replies, too."""


class KeptDocument(Document):
    """What is kept of runs."""

    prompts: bool = True
    """Prompts, replies, arguments and results of tools, outputs of commands; false: facts and fingerprints only."""


class ServiceDocument(Document):
    """A project as a service."""

    nano_flow: LanguageVersion
    """The version of the language."""
    store: Maybe[str] = None
    """Where runs are kept: empty for `.nano-flow/state.db`, or postgresql://…; `${VAR:-}` is expanded."""
    cache: Maybe[str] = None
    """Where replies are kept: empty for `.nano-flow/cache.db`, redis://… or postgresql://…; `${VAR:-}` is expanded."""
    budgets: Maybe[Items[RunsBudgetDocument]] = None
    """What may be spent over all runs."""
    workflows: Maybe[dict[Name, ServedWorkflowDocument]] = None
    """What the service starts, by names of its own."""
    notify: Maybe[Items[NotificationDocument]] = None
    """Who is told of what."""
    retention: Maybe[RetentionDocument] = None
    """How long things are kept; applied by serve, worker and at the end of each run."""
    record: Maybe[KeptDocument] = None
    """What is kept of runs."""
    telemetry: Maybe[TelemetryDocument] = None
    """Where traces go."""
