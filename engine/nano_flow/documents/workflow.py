"""The document of a workflow: inputs, limits, tools, steps, outputs, handlers."""

# No "from __future__ import annotations": Pydantic would parse every annotation of every class again at start-up.
from typing import Annotated, Any, Literal

from pydantic import Field

from nano_flow.documents.agent import AgentSettings, RecordDocument
from nano_flow.documents.commands import CommandLine
from nano_flow.documents.common import (
    Argument,
    Document,
    Duration,
    FileReference,
    Identifier,
    Items,
    JsonSchema,
    LanguageVersion,
    Maybe,
    Name,
    OneOf,
    Part,
    PlainData,
    Share,
    StepId,
    TemplateText,
    Text,
    Timeout,
    Title,
    TokenCount,
    UsdAmount,
    key_in,
)
from nano_flow.documents.steps import RetryDocument, StepDocument

JsonType = Literal["string", "number", "integer", "boolean", "object", "array", "null"]


class InputDocument(Document):
    """An input: a JSON Schema property, plus `secret`; required unless it has a `default`."""

    type: Maybe[JsonType | Items[JsonType]] = None
    """The JSON type."""
    title: Maybe[str] = None
    """A short name."""
    description: Maybe[str] = None
    """What it is."""
    default: PlainData = None
    """The value where none is given; `null` makes the input optional and nullable."""
    secret: bool = False
    """Never stored; usable only in `env`, in tools' `env` and `headers`, and in `when`."""
    enum: Maybe[list[Any]] = None
    """The values that are allowed."""
    const: PlainData = None
    """The only value that is allowed."""
    examples: Maybe[list[Any]] = None
    """Values to show."""
    format: Maybe[str] = None
    """A format such as date or uri."""
    pattern: Maybe[str] = None
    """Regular expression of a text."""
    min_length: Maybe[Annotated[int, Field(ge=0)]] = Field(default=None, alias="minLength")
    """Shortest text."""
    max_length: Maybe[Annotated[int, Field(ge=0)]] = Field(default=None, alias="maxLength")
    """Longest text."""
    minimum: Maybe[float] = None
    """Smallest number."""
    maximum: Maybe[float] = None
    """Largest number."""
    exclusive_minimum: Maybe[float] = Field(default=None, alias="exclusiveMinimum")
    """Numbers are larger than this."""
    exclusive_maximum: Maybe[float] = Field(default=None, alias="exclusiveMaximum")
    """Numbers are smaller than this."""
    multiple_of: Maybe[Annotated[float, Field(gt=0)]] = Field(default=None, alias="multipleOf")
    """Numbers are multiples of this."""
    items: Maybe[bool | JsonSchema] = None
    """JSON Schema of the items of a list."""
    prefix_items: Maybe[list[Any]] = Field(default=None, alias="prefixItems")
    """JSON Schemas of the first items."""
    min_items: Maybe[Annotated[int, Field(ge=0)]] = Field(default=None, alias="minItems")
    """Shortest list."""
    max_items: Maybe[Annotated[int, Field(ge=0)]] = Field(default=None, alias="maxItems")
    """Longest list."""
    unique_items: Maybe[bool] = Field(default=None, alias="uniqueItems")
    """No item twice."""
    properties: Maybe[dict[str, Any]] = None
    """JSON Schemas of the members of an object."""
    required: Maybe[Items[str]] = None
    """Members that an object must have."""
    additional_properties: Maybe[bool | JsonSchema] = Field(default=None, alias="additionalProperties")
    """Whether an object may have other members."""
    any_of: Maybe[list[Any]] = Field(default=None, alias="anyOf")
    """At least one of these schemas."""
    one_of: Maybe[list[Any]] = Field(default=None, alias="oneOf")
    """Exactly one of these schemas."""
    all_of: Maybe[list[Any]] = Field(default=None, alias="allOf")
    """All of these schemas."""


class RunBudgetDocument(Document):
    """What a run may spend."""

    usd: Maybe[UsdAmount] = None
    """US dollars."""
    tokens: Maybe[TokenCount] = None
    """Tokens of all kinds."""
    warn_at: Maybe[Share] = None
    """Share of the budget from which on a warning is given."""
    downgrade_at: Maybe[Share] = None
    """Share of the budget from which on the tier `downgrade_to` is used."""
    on_exceed: Literal["stop", "pause"] = "stop"
    """What happens when the next call would not fit."""


class FinallyLimitsDocument(Document):
    """What `on_failure` and `finally` may spend, apart from the run's budget."""

    usd: Maybe[UsdAmount] = None
    """US dollars."""
    timeout: Maybe[Timeout] = None
    """Active time."""


USUAL_PARALLEL = 16
USUAL_STEPS = 100_000
"""What a run has that says nothing of `max_parallel` and `steps`."""


class LimitsDocument(Document):
    """What bounds a run as a whole."""

    budget: Maybe[Part[RunBudgetDocument]] = None
    """What the run may spend."""
    timeout: Maybe[Timeout] = None
    """Active time; it stands still while waiting or paused."""
    max_parallel: Maybe[Annotated[int, Field(ge=1, le=100_000)]] = None
    """Running prompts, commands and tools; default: 16."""
    steps: Maybe[TokenCount] = None
    """Started leaf steps, fan-out and loops included; default: 100k."""
    queue: Maybe[Duration] = None
    """How long a step under `runs_on` waits for a worker of its label to be there; default: 1h."""
    finally_: Maybe[Part[FinallyLimitsDocument]] = Field(default=None, alias="finally")
    """What the handlers may spend."""


class McpDocument(Document):
    """Where an MCP server is: a command to start at run time, a URL, or a server of a host's own file."""

    command: Maybe[Annotated[Items[Text], Field(min_length=1)]] = None
    """Arguments of the server's command."""
    env: Maybe[dict[str, Argument]] = None
    """Its variables; `${VAR}` is expanded."""
    url: Maybe[Text] = None
    """Address of a server that speaks streamable HTTP."""
    headers: Maybe[dict[str, Argument]] = None
    """Headers that are sent; `${VAR}` is expanded."""
    file: Maybe[Text] = None
    """A file such as `.mcp.json`, in which hosts of MCP name their servers."""
    server: Maybe[Text] = None
    """Which server of that file; the tool's own name where it is left out."""
    timeout: Maybe[Timeout] = None
    """How long the server may take for one call."""
    disabled: Maybe[Items[Text]] = None
    """Tools of the server that nobody is given."""


class McpTool(Document):
    """Tools of an MCP server."""

    mcp: McpDocument
    """Where the server is."""


class AllowedTool(Document):
    """What `run_command` or `http_get` may use."""

    allow: Items[Text]
    """Programs, or hosts."""


class CommandTool(Document):
    """A tool that is a command."""

    description: Text
    """What the model is told about it."""
    parameters: Maybe[JsonSchema] = None
    """JSON Schema of its arguments."""
    run: CommandLine | Text
    """A list of arguments (templates over `args`), or a script."""
    shell: Maybe[Annotated[Items[Text], Field(min_length=1)] | Text] = None
    """The shell of a script."""
    cwd: Maybe[TemplateText] = None
    """Working directory, inside the workspace."""
    stdin: Maybe[TemplateText] = None
    """What the command reads."""
    env: Maybe[dict[str, Argument | None]] = None
    """Variables of the command; one that is null is not set."""
    output_schema: Maybe[JsonSchema] = None
    """JSON Schema of stdout; makes the result the parsed JSON."""
    timeout: Maybe[Timeout] = None
    """How long a call may take."""


TOOL_KINDS = ("mcp", "allow", "run")


def kind_of_tool(value: Any) -> str | None:
    """The key that tells what an entry of `tools` is."""
    return key_in(value, TOOL_KINDS)


ToolDocument = Annotated[McpTool | AllowedTool | CommandTool, OneOf(kind_of_tool, TOOL_KINDS)]


class DefaultsDocument(AgentSettings):
    """What the prompt steps of this file say where they do not say it themselves."""

    timeout: Maybe[Timeout] = None
    """Of one attempt; for `run` and `tool` steps too."""
    retry: Maybe[Part[RetryDocument]] = None
    """Attempts per model and call."""


class SharedDocument(Document):
    """What steps of this file name instead of saying it again."""

    schemas: Maybe[dict[Name, JsonSchema]] = None
    """JSON Schemas, or `{file: x.json}`: `output_schema: {use: NAME}`."""
    prompts: Maybe[dict[Name, TemplateText | Part[FileReference]]] = None
    """Templates, or `{file: prompts/x.md}`: `prompt: {use: NAME}`; each is filled in by the step that uses it."""


class CheckoutDocument(Document):
    """A workspace that each run gets for itself: a checkout of a repository."""

    git: Text
    """Where the repository is: an address of git, or a folder relative to this file."""
    ref: Maybe[Text] = None
    """A branch, a tag or a commit; default: the repository's own branch."""


class WorkflowDocument(Document):
    """A workflow: steps, the order between them, and the limits they stay within."""

    nano_flow: LanguageVersion
    """The version of the language."""
    name: Title
    """Letters, digits, dots, dashes, spaces."""
    description: str = ""
    """What the workflow is for."""
    tags: Maybe[Items[Text]] = None
    """Tags that all steps use; routing.yaml declares them."""
    inputs: Maybe[dict[Identifier, Part[InputDocument]]] = None
    """What a run is given."""
    env: Maybe[Items[Identifier]] = None
    """Variables of the environment that expressions may read as `env.NAME`."""
    defaults: Maybe[Part[DefaultsDocument]] = None
    """For the prompt steps of this file."""
    limits: Maybe[Part[LimitsDocument]] = None
    """Budget, time, parallelism."""
    record: Maybe[Part[RecordDocument]] = None
    """What is kept of a run for reports."""
    workspace: Maybe[Text | Part[CheckoutDocument]] = None
    """Root of the file tools and working directory of commands: a folder (default: this file's), `fresh` for an empty
    one of each run, or `{git: URL, ref: R}`."""
    shared: Maybe[Part[SharedDocument]] = None
    """Schemas and prompts by name, for `{use: NAME}`."""
    tools: Maybe[dict[Name, ToolDocument]] = None
    """MCP servers, allow-lists and declared tools."""
    steps: Annotated[dict[StepId, StepDocument], Field(min_length=1)]
    """The steps, by id."""
    outputs: PlainData = None
    """Values, or one template, that a run gives back."""
    sequential: bool = False
    """Each step needs the one above it."""
    on_failure: Maybe[dict[StepId, StepDocument]] = None
    """Steps that run when the run failed."""
    finally_: Maybe[dict[StepId, StepDocument]] = Field(default=None, alias="finally")
    """Steps that run when the run ended, however it did."""
