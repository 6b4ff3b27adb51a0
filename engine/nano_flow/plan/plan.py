"""The frozen types of a plan: everything the runtime needs, nothing that it has to look up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from nano_flow.core.diagnostics import SourceRange
from nano_flow.core.messages import Json
from nano_flow.core.money import Money
from nano_flow.source.expressions import Template

if TYPE_CHECKING:
    from nano_flow.plan.kinds.run import PlannedRun
    from nano_flow.plan.kinds.table import Spec

Value = Template | None | bool | int | float | str | list["Value"] | dict[str, "Value"]
"""Plain data with templates as leaves: what ``set``, ``with`` and ``outputs`` hold."""

TriggerRule = Literal[
    "all_success", "none_failed", "one_success", "none_failed_min_one_success", "one_failed", "all_done"
]


@dataclass(frozen=True, slots=True)
class PlannedForEach:
    """A fan-out: ``over`` is an expression or a list; ``max_parallel`` None is as many as there are items.

    ``rows`` in its place is the path of a file in the workspace that holds the list.
    """

    over: Value
    name: str = "item"
    max_parallel: int | None = None
    max_items: int = 1000
    on_item_failure: Literal["fail", "continue", "cancel"] = "fail"
    rows: Template | None = None


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
    when: Template | None = None


@dataclass(frozen=True, slots=True)
class PlannedBudget:
    """A bound on spend; None is no bound."""

    usd: Money | None = None
    tokens: int | None = None
    warn_at: float | None = None
    downgrade_at: float | None = None
    on_exceed: Literal["stop", "pause"] = "stop"


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
    setup: bool = False
    """Runs again, first, where the handlers of an earlier life have undone it."""
    runs_on: str | None = None
    """The label of the workers that do it; where a step is done is no part of its digest."""
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
    queue_s: float = 3600.0
    """How long a placed step waits for a worker of its label to be there."""


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
    disabled: tuple[str, ...] = ()
    """Tools of a server that nobody is given."""
    from_file: bool = False
    """Whether the server is described by a host's file, in which ``${VAR}`` also stands in the command and the url."""
    cwd: str = ""
    """Where such a server is started; empty: in the workspace."""


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
class OwnWorkspace:
    """A folder of each run: empty, or a checkout of the repository ``git`` at ``ref`` ("" is its own branch)."""

    git: str = ""
    ref: str = ""
    remote: bool = False
    """Whether something is sent to fetch it."""


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
    own_workspace: OwnWorkspace | None = None
    """Where each run gets one: ``workspace`` is then the workflow's folder until the run's own is made."""
    description: str = ""
    tags: tuple[str, ...] = ()
    """Those that come out with its outputs, whoever calls it."""
    keep_prompts: bool = True
    """Whether what models are asked is kept for reports."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Every file that the plan was made from → its digest."""
