"""The frozen types of a plan: everything the runtime needs, nothing that it has to look up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from nano_flow.core.diagnostics import SourceRange
from nano_flow.core.messages import Json
from nano_flow.core.money import Money
from nano_flow.plan.call_specs import USUAL_ROUTE, ReplySpec, RouteSpec
from nano_flow.source.expressions import Template

Value = Template | None | bool | int | float | str | list["Value"] | dict[str, "Value"]
"""Plain data with templates as leaves: what ``set``, ``with`` and ``outputs`` hold."""

TriggerRule = Literal[
    "all_success", "none_failed", "one_success", "none_failed_min_one_success", "one_failed", "all_done"
]


@dataclass(frozen=True, slots=True)
class PlannedForEach:
    """A fan-out: ``over`` is an expression or a list; ``max_parallel`` None is as many as there are items."""

    over: Value
    name: str = "item"
    max_parallel: int | None = None
    max_items: int = 1000
    on_item_failure: Literal["fail", "continue", "cancel"] = "fail"


@dataclass(frozen=True, slots=True)
class PlannedRepeat:
    """A loop: ends when ``until`` holds, at the latest after ``max_iterations``; ``every_s`` apart."""

    until: Template | None
    max_iterations: int
    every_s: float = 0.0
    name: str | None = None
    on_exhausted: Literal["fail", "continue"] = "fail"


@dataclass(frozen=True, slots=True)
class PlannedRetry:
    """Attempts of a body; ``errors`` empty is every class. Delays in seconds."""

    max_attempts: int
    backoff: Literal["exponential", "fixed"] = "exponential"
    delay_s: float = 1.0
    max_delay_s: float = 60.0
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedBudget:
    """A bound on spend; None is no bound."""

    usd: Money | None = None
    tokens: int | None = None
    warn_at: float | None = None
    downgrade_at: float | None = None
    on_exceed: Literal["stop", "pause"] = "stop"


@dataclass(frozen=True, slots=True)
class PlannedCheck:
    """One ``verify`` entry: exactly one of ``check``, ``judge``, ``run``."""

    check: Template | None = None
    message: Template | None = None
    judge: Template | None = None
    at_least: float = 0.5
    model: str | None = None
    run: PlannedRun | None = None


@dataclass(frozen=True, slots=True)
class PlannedPrompt:
    """An agent; the tags of ``route`` are its step's, and are added when it is asked."""

    prompt: Template
    system: Template | None = None
    route: RouteSpec = USUAL_ROUTE
    reply: ReplySpec = field(default_factory=ReplySpec)
    tools: tuple[str, ...] = ()
    max_turns: int = 20
    attachments: tuple[Template, ...] = ()
    conversation: str | None = None
    cache: bool = False
    cache_ttl_s: float | None = None
    verify: tuple[PlannedCheck, ...] = ()
    repair_attempts: int = 2
    repair_escalate: bool = False


DEFAULT_SHELL = ("bash", "-euo", "pipefail", "-c")


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A command: ``argv``, or a ``script`` with values from ``env``; ``shell`` ends with the option that takes code."""

    argv: tuple[Template, ...] = ()
    script: str | None = None
    shell: tuple[str, ...] = ()
    cwd: Template | None = None
    stdin: Template | None = None
    env: Mapping[str, Template | None] = field(default_factory=dict)
    output_schema: Mapping[str, Json] | None = None
    may_be_option: tuple[int, ...] = ()  # positions in argv: `dash: allow`


@dataclass(frozen=True, slots=True)
class PlannedTool:
    """One call of a tool, without a model."""

    tool: str
    arguments: Value
    output_schema: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class PlannedSet:
    """Values, rendered."""

    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class PlannedGroup:
    """A group of steps."""

    graph: PlannedGraph


@dataclass(frozen=True, slots=True)
class PlannedWorkflow:
    """Another workflow, run inside this one."""

    plan: Plan
    inputs: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class PlannedSwitch:
    """One of several steps; their ids are the switch's own, so that no segment is added to addresses."""

    value: Template
    cases: Mapping[str, PlannedStep]
    default: PlannedStep | None = None


@dataclass(frozen=True, slots=True)
class PlannedApprove:
    """A question to a person."""

    message: Template
    options: tuple[str, ...] = ("approve", "reject")
    input_schema: Mapping[str, Json] | None = None
    timeout_s: float | None = None
    on_timeout: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedWait:
    """A pause; the duration is fixed, or a template that renders to one."""

    duration: Template | float


@dataclass(frozen=True, slots=True)
class PlannedFinish:
    """Ends the run, as succeeded or (``failed``) as failed."""

    message: Template
    failed: bool = False


Spec = (
    PlannedPrompt
    | PlannedRun
    | PlannedTool
    | PlannedSet
    | PlannedGroup
    | PlannedWorkflow
    | PlannedSwitch
    | PlannedApprove
    | PlannedWait
    | PlannedFinish
)


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step. ``needs`` are declared, ``references`` were found in its templates; both are ids of siblings.

    It waits for both; ``trigger_rule`` looks at ``needs``, else at ``references``. ``path``: address without indices.
    """

    id: str
    path: str
    kind: str
    spec: Spec
    where: SourceRange
    needs: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    trigger_rule: TriggerRule = "all_success"
    when: Template | None = None
    for_each: PlannedForEach | None = None
    repeat: PlannedRepeat | None = None
    retry: PlannedRetry | None = None
    timeout_s: float | None = None
    budget: PlannedBudget | None = None
    on_error: Literal["fail", "continue", "output"] = "fail"
    on_error_output: Value = None
    description: str = ""
    tags: tuple[str, ...] = ()
    """Its own, those of what is around it, and those that come with the data that it quotes."""
    inherit_tags: bool = True
    digest: str = ""


@dataclass(frozen=True, slots=True)
class PlannedGraph:
    """Steps that know each other, in the order of the file; ``order`` is one topological order of their ids."""

    steps: tuple[PlannedStep, ...]
    order: tuple[str, ...] = ()
    outputs: Value = None
    has_outputs: bool = False
    on_failure: PlannedGraph | None = None
    finally_: PlannedGraph | None = None


@dataclass(frozen=True, slots=True)
class PlannedLimits:
    """What bounds a run as a whole, or a sub-workflow inside it; None is no bound of its own."""

    budget: PlannedBudget = PlannedBudget()
    timeout_s: float | None = None
    max_parallel: int | None = None
    steps: int | None = None
    finally_usd: Money | None = None
    finally_timeout_s: float | None = 60.0


@dataclass(frozen=True, slots=True)
class PlannedToolSource:
    """A declared tool, an MCP server or an allow-list under ``tools:``; ``kind`` tells which fields count."""

    name: str
    kind: Literal["command", "mcp", "allow"]
    where: SourceRange
    description: str = ""
    parameters: Mapping[str, Json] = field(default_factory=dict)
    run: PlannedRun | None = None
    allow: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    url: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """``env`` and ``headers`` as written: ``${VAR}`` and secret inputs are put in when the server starts."""
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class PlannedInput:
    """An input: ``schema`` is its JSON Schema (null admitted where ``default: null``)."""

    name: str
    schema: Mapping[str, Json]
    required: bool
    default: Json = None
    secret: bool = False
    where: SourceRange | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole workflow. ``digest`` covers all that it does; ``workspace`` is an absolute path."""

    name: str
    file: str
    digest: str
    graph: PlannedGraph
    inputs: Mapping[str, PlannedInput]
    limits: PlannedLimits
    tools: Mapping[str, PlannedToolSource]
    env: tuple[str, ...]
    workspace: str
    description: str = ""
    tags: tuple[str, ...] = ()
    """Those that come out with its outputs, whoever calls it."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Every file that the plan was made from → its digest."""
