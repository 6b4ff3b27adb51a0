"""The kinds of step, and what any of them may say; a step is of the kind whose key it holds."""

# No "from __future__ import annotations": Pydantic would parse every annotation again at start-up.
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from nano_flow.documents.agent import AgentSettings, RecordDocument
from nano_flow.documents.commands import ByteCount, CommandLine
from nano_flow.documents.common import (
    Argument,
    Document,
    Duration,
    Elsewhere,
    Expression,
    Items,
    JsonSchema,
    Label,
    Maybe,
    OneOf,
    Part,
    PlainData,
    RowsFile,
    StepId,
    TemplateText,
    Text,
    Timeout,
    TokenCount,
    UsdAmount,
    Variable,
    Words,
    key_in,
)

TriggerRule = Literal[
    "all_success", "none_failed", "one_success", "none_failed_min_one_success", "one_failed", "all_done"
]


class RepeatDocument(Document):
    """A loop."""

    until: Maybe[Expression] = None
    """Ends the loop when it holds."""
    max_iterations: Annotated[int, Field(ge=1, le=100_000)]
    """The bound of the loop."""
    every: Maybe[Duration] = None
    """From the start of an iteration to the start of the next."""
    as_: Maybe[Variable] = Field(default=None, alias="as")
    """Names the loop's values: `round.iteration`, `round.previous`."""
    on_exhausted: Literal["fail", "continue"] = "fail"
    """What happens when `until` never held."""


class RetryDocument(Document):
    """Attempts after a failure."""

    max_attempts: Annotated[int, Field(ge=1, le=100)]
    """All attempts, the first included."""
    backoff: Literal["exponential", "fixed"] = "exponential"
    """How delays grow."""
    delay: Maybe[Duration] = None
    """The first delay."""
    max_delay: Maybe[Duration] = None
    """The longest delay."""
    errors: Maybe[Items[Text]] = None
    """Only these classes of error; default: all."""
    when: Maybe[Expression] = None
    """Only where this holds of the `error` of the attempt before: its class, message, exit_code, stdout, stderr."""


class StepBudgetDocument(Document):
    """What one execution of a step may spend."""

    usd: Maybe[UsdAmount] = None
    """US dollars."""
    tokens: Maybe[TokenCount] = None
    """Tokens of all kinds."""


class OnErrorOutput(Document):
    """Succeed with a value instead of failing."""

    output: PlainData
    """The output to go on with."""


class StepBase(Document):
    """What any step may say."""

    kind: ClassVar[str] = ""

    description: str = ""
    """What the step is for."""
    tags: Maybe[Items[Text]] = None
    """Tags that routing.yaml declares; they also hold for what is inside, and for whatever quotes the output."""
    inherit_tags: bool = True
    """false: the tags of what this step quotes do not come along."""
    needs: Maybe[Words] = None
    """Steps beside this one that must be settled first."""
    trigger_rule: Maybe[TriggerRule] = None
    """What the steps under `needs` must have come to; default: all_success."""
    when: Maybe[bool | Expression] = None
    """The step is skipped where this does not hold."""
    for_each: Maybe[list[Any] | Expression | Part[RowsFile]] = None
    """A list, an expression that gives one, or `{file: rows.csv}`: the step runs once per item."""
    as_: Maybe[Variable] = Field(default=None, alias="as")
    """The name of the item; default: item."""
    max_parallel: Maybe[Annotated[int, Field(ge=1, le=100_000)]] = None
    """Items at the same time."""
    max_items: Maybe[Annotated[int, Field(ge=1, le=1_000_000)]] = None
    """The longest list that is accepted; default: 1000."""
    on_item_failure: Maybe[Literal["fail", "continue", "cancel"]] = None
    """fail: start no more items; continue: run them all; cancel: stop the running ones too."""
    repeat: Maybe[Part[RepeatDocument]] = None
    """Run again until a condition holds."""
    retry: Maybe[Part[RetryDocument]] = None
    """Attempts after a failure."""
    timeout: Maybe[Duration] = None
    """Of one attempt, from its start."""
    budget: Maybe[Part[StepBudgetDocument]] = None
    """What one execution may spend."""
    on_error: Maybe[Literal["fail", "continue"] | Part[OnErrorOutput]] = None
    """fail (default), continue with null, or `{output: value}`."""


class Placeable(StepBase):
    """A kind that another machine can do."""

    runs_on: Maybe[Label] = None
    """The label of the workers that do it, or each of its items: `gpu`, `builders`; `any` is every worker."""


class SettingUp(Placeable):
    """A kind that can set something up."""

    setup: bool = False
    """Runs again, first, where `finally` or `on_failure` has undone it."""


class PromptStep(Placeable, AgentSettings):
    """An agent: model call, tool loop, structured output."""

    kind: ClassVar[str] = "prompt"
    record: Maybe[Part[RecordDocument]] = None
    """What is kept of it for reports."""
    prompt: TemplateText | Elsewhere
    """What the model is asked: a template, `{file: prompts/x.md}`, or `{use: NAME}` of `shared`."""


class RunStep(SettingUp):
    """A command: a list of arguments without a shell, or a script."""

    kind: ClassVar[str] = "run"
    run: CommandLine | Text
    """A list of arguments (templates), or a script (no templates: values come by `env`)."""
    shell: Maybe[Annotated[Items[Text], Field(min_length=1)] | Text] = None
    """The shell of a script; default: bash -euo pipefail."""
    cwd: Maybe[TemplateText] = None
    """Working directory, inside the workspace."""
    stdin: Maybe[TemplateText] = None
    """What the command reads; default: nothing."""
    env: Maybe[dict[str, Argument | None]] = None
    """Variables of the command; one that is null is not set."""
    output_schema: Maybe[JsonSchema] = None
    """JSON Schema of stdout; makes `output` the parsed JSON."""
    max_output: Maybe[ByteCount] = None
    """The most that it may print where a later step reads it; default: 1M, at most 64M."""
    capture: Maybe[Literal["head", "tail", "none"]] = None
    """Keep only the beginning, the end, or nothing of what it prints beyond `max_output`."""


class ToolStep(SettingUp):
    """One call of a tool, without a model."""

    kind: ClassVar[str] = "tool"
    tool: Text
    """A built-in or declared tool, or `server.tool`."""
    with_: Maybe[dict[str, Any]] = Field(default=None, alias="with")
    """The arguments."""
    output_schema: Maybe[JsonSchema] = None
    """JSON Schema of the result."""


class WorkflowStep(Placeable):
    """Another workflow, run inside this one."""

    kind: ClassVar[str] = "workflow"
    workflow: Text
    """Path of its file, relative to this one."""
    with_: Maybe[dict[str, Any]] = Field(default=None, alias="with")
    """Its inputs."""


class SetStep(StepBase):
    """Values, rendered from templates."""

    kind: ClassVar[str] = "set"
    set: dict[str, Any]
    """Names and values."""


class ApproveDocument(Document):
    """A question to a person."""

    message: TemplateText
    """What is asked."""
    options: Maybe[Annotated[Items[Text], Field(min_length=1, max_length=50)]] = None
    """The possible decisions; default: approve, reject."""
    input: Maybe[JsonSchema] = None
    """JSON Schema of what the person types in."""
    timeout: Maybe[Timeout] = None
    """How long to wait."""
    on_timeout: Maybe[Text] = None
    """The decision when nobody answered; without it the step fails."""


class ApproveStep(StepBase):
    """Waits for a person."""

    kind: ClassVar[str] = "approve"
    approve: ApproveDocument
    """The question."""


class SwitchDocument(Document):
    """One of several steps, by a value."""

    value: Expression
    """Expression whose value names the case."""
    cases: Annotated[dict[str, "StepDocument"], Field(min_length=1)]
    """A step without an id for each value."""
    default: Maybe["StepDocument"] = None
    """The step for every other value."""


class SwitchStep(Placeable):
    """Takes one of several branches."""

    kind: ClassVar[str] = "switch"
    switch: SwitchDocument
    """The value and its cases."""


class GroupStep(SettingUp):
    """A group of steps."""

    kind: ClassVar[str] = "steps"
    steps: Annotated[dict[StepId, "StepDocument"], Field(min_length=1)]
    """The inner steps, by id."""
    outputs: PlainData = None
    """The output of the group; default: the outputs of the inner steps."""
    sequential: bool = False
    """Each step needs the one above it."""
    on_failure: Maybe[dict[StepId, "StepDocument"]] = None
    """Steps that run when the group failed."""
    finally_: Maybe[dict[StepId, "StepDocument"]] = Field(default=None, alias="finally")
    """Steps that run when the group ended, however it did."""


class WaitStep(StepBase):
    """A pause."""

    kind: ClassVar[str] = "wait"
    wait: Duration | Annotated[str, Field(pattern=r"\{\{")]
    """A duration, or a template that gives one."""


class FinishStep(StepBase):
    """Ends the run as succeeded."""

    kind: ClassVar[str] = "finish"
    finish: TemplateText
    """The message."""


class FailStep(StepBase):
    """Ends the run as failed."""

    kind: ClassVar[str] = "fail"
    fail: TemplateText
    """The message."""


STEP_KINDS = ("prompt", "run", "tool", "workflow", "set", "approve", "switch", "steps", "wait", "finish", "fail")


def kind_of_step(value: Any) -> str | None:
    """The key that tells what a step is; None where there is none."""
    return key_in(value, STEP_KINDS)


Step = (
    (PromptStep | RunStep | ToolStep | WorkflowStep | SetStep | ApproveStep)
    | (SwitchStep | GroupStep | WaitStep | FinishStep | FailStep)
)  # fmt: skip
"""Any step, in the order of ``STEP_KINDS``."""
StepDocument = Annotated[Step, OneOf(kind_of_step, STEP_KINDS)]
