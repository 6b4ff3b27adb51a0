"""What goes in and out of the HTTP API; documents of the command line keep their own form."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Key = Annotated[str, Field(min_length=1, max_length=300)]
Text = Annotated[str, Field(max_length=500_000)]
Since = Annotated[str, Field(max_length=40, description="7d, 12h, 2026-01-31, or a time in RFC 3339")]


class Body(BaseModel):
    """Something that is sent: unknown keys are refused, like those of documents."""

    model_config = ConfigDict(extra="forbid")


class Shown(BaseModel):
    """A document that the command line prints with --json, too; more keys may come."""

    model_config = ConfigDict(extra="allow", populate_by_name=True, serialize_by_alias=True)


class Failure(BaseModel):
    """Why something was not done."""

    code: str
    message: str
    at: str | None = None
    hint: str | None = None


class RunOptionsBody(Body):
    """What is said of a run besides its inputs."""

    offline: bool = False
    provider: Key | None = None
    model: Key | None = None
    budget: Annotated[str, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?$", description="US dollars")] | None = None
    max_parallel: Annotated[int, Field(ge=1, le=10_000)] | None = None
    no_cache: bool = False
    no_fallback: bool = False


class StartBody(Body):
    """A run to be started; ``workflow`` is a name of service.yaml, or a path below the project."""

    workflow: Key
    inputs: dict[str, JsonValue] = {}
    options: RunOptionsBody = RunOptionsBody()


class PlanBody(Body):
    """Inputs as far as they are known."""

    inputs: dict[str, JsonValue] = {}
    options: RunOptionsBody = RunOptionsBody()


class RerunBody(Body):
    """Inputs that take the place of those of the run that is repeated."""

    inputs: dict[str, JsonValue] = {}


class ResumeBody(Body):
    """What is done again although it is recorded; nothing: the run goes on where it was."""

    addresses: Annotated[list[Key], Field(max_length=100)] = []
    failed: bool = False


class AnswerBody(Body):
    """What a person decided."""

    option: Key
    input: JsonValue = None
    comment: Annotated[str, Field(max_length=10_000)] = ""


class ExplainBody(Body):
    """A prompt, and optionally a routing document to try in the place of the one in force."""

    prompt: Text
    tags: Annotated[list[Key], Field(max_length=50)] = []
    tools: Annotated[int, Field(ge=0, le=1000)] = 0
    policy: Key = "default"
    model: Key = "auto"
    routing: Text | None = None


class ReplayBody(Body):
    """Recorded calls to be decided again under a routing document."""

    routing: Text
    since: Since = "7d"
    runs: Annotated[int, Field(ge=1, le=1000)] = 50


class Started(BaseModel):
    """The run that waits for a worker; ``created`` is false where the key had started it before."""

    run_id: str
    created: bool = True


class Acknowledged(BaseModel):
    """The run that something was done with."""

    run_id: str


class RunList(Shown):
    """``nano-flow/runs@1``; ``next`` is the cursor of the next page."""

    schema_: str = Field("nano-flow/runs@1", alias="schema")
    runs: list[dict[str, JsonValue]]
    next: str | None = None


class RunDocument(Shown):
    """``nano-flow/run@1``."""

    schema_: str = Field("nano-flow/run@1", alias="schema")
    run_id: str | None
    workflow: str | None
    status: str
    simulated: bool
    outputs: JsonValue = None
    error: str | None = None
    stop: dict[str, JsonValue]
    cost: dict[str, JsonValue]
    steps: list[dict[str, JsonValue]]


class StepTrace(Shown):
    """One execution, as in ``nano-flow/run@1``, and what happened in it."""

    schema_: str = Field("nano-flow/step@1", alias="schema")
    run_id: str
    step: dict[str, JsonValue]
    events: list[dict[str, JsonValue]]


class ArtifactItem(BaseModel):
    """One file; ``size`` is in bytes, null where it is made on demand."""

    name: str
    media_type: str
    size: int | None = None


class ArtifactList(Shown):
    """``nano-flow/artifacts@1``."""

    schema_: str = Field("nano-flow/artifacts@1", alias="schema")
    run_id: str
    artifacts: list[ArtifactItem]


class ApprovalList(Shown):
    """``nano-flow/approvals@1``."""

    schema_: str = Field("nano-flow/approvals@1", alias="schema")
    approvals: list[dict[str, JsonValue]]


class WorkflowItem(BaseModel):
    """One workflow; ``next_due`` where it has a schedule."""

    key: str
    name: str
    description: str
    file: str
    valid: bool
    next_due: str | None = None


class WorkflowList(BaseModel):
    """The workflows of the project."""

    workflows: list[WorkflowItem]


class Diagnostics(Shown):
    """``nano-flow/diagnostics@1``."""

    schema_: str = Field("nano-flow/diagnostics@1", alias="schema")
    files: int
    diagnostics: list[dict[str, JsonValue]]


class Document(Shown):
    """A document of the command line: plan, decision, replay, cost, providers."""

    schema_: str = Field(alias="schema")


Status = Literal["running", "paused", "succeeded", "failed", "cancelled", "queued"]


class RunQuery(Body):
    """Which runs are listed; ``cursor`` is what ``next`` of the page before said."""

    workflow: Annotated[str, Field(max_length=200)] | None = None
    status: Status | None = None
    since: Since | None = None
    search: Annotated[str, Field(max_length=200)] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=100)] | None = None


Grouping = Literal["workflow", "step", "model", "provider", "day", "run"]
