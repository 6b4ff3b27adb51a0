"""The documents of tests: cases of a workflow on scripted models, cases of a routing policy."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from nano_flow.documents.common import (
    Document,
    Items,
    LanguageVersion,
    Maybe,
    Name,
    PlainData,
    Score,
    Text,
    Timeout,
    UsdAmount,
)

Status = Literal["succeeded", "failed", "skipped", "waiting", "paused", "cancelled"]
Count = Annotated[int, Field(ge=0)]
Amount = UsdAmount | Annotated[str, StringConstraints(pattern=r"^[0-9]{1,10}(\.[0-9]{1,12})?$")]
"""US dollars, as a number or as the text that reports show."""


class CountBounds(Document):
    """Bounds on a count."""

    at_least: Maybe[Count] = None
    """The smallest."""
    at_most: Maybe[Count] = None
    """The largest."""


class MoneyBounds(Document):
    """Bounds on an amount."""

    at_least: Maybe[UsdAmount] = None
    """The smallest."""
    at_most: Maybe[UsdAmount] = None
    """The largest."""


class ScoreBounds(Document):
    """Bounds on a score."""

    at_least: Maybe[Score] = None
    """The smallest."""
    at_most: Maybe[Score] = None
    """The largest."""


class StepExpectation(Document):
    """What is expected of one step."""

    status: PlainData = None
    """succeeded, failed, skipped, waiting."""
    reason: PlainData = None
    """Why it was skipped."""
    times: Maybe[Count | CountBounds] = None
    """Started executions: items and iterations."""
    attempts: Maybe[Count | CountBounds] = None
    """All attempts."""
    model: PlainData = None
    """The model that answered."""
    tier: PlainData = None
    """The tier that was chosen."""
    case: PlainData = None
    """The case that a switch took."""
    output: PlainData = None
    """The output: a literal, or contains, not_contains, matches, at_most, at_least."""
    errors: PlainData = None
    """Failed items of a fan-out."""
    error: PlainData = None
    """Why it failed: class and message, and exit_code, stdout, stderr of a command."""
    calls: PlainData = None
    """Tools that were called, in order."""
    prompts: Maybe[dict[Annotated[str, Field(pattern=r"^[1-9][0-9]*$")], Any]] = None
    """Rendered prompts, by execution, from 1."""
    cost: Maybe[Amount | MoneyBounds] = None
    """Simulated US dollars."""


class CaseExpectation(Document):
    """What is expected of a run."""

    status: PlainData = None
    """succeeded, failed, paused."""
    steps: Maybe[dict[str, StepExpectation]] = None
    """By id; `a.b` names a nested step."""
    outputs: PlainData = None
    """The outputs: a literal, or contains, not_contains, matches, at_most, at_least."""
    simulated_usd: Maybe[Amount | MoneyBounds] = None
    """What the run would have cost."""
    files: Maybe[dict[str, Any]] = None
    """Files of the workspace after the run; null: absent."""
    max_in_flight: Maybe[Count | CountBounds] = None
    """The most calls at the same time."""
    error: PlainData = None
    """The message of the failed run."""
    refused: PlainData = None
    """Why nothing was run: wrong inputs, an invalid document, no candidate."""


class CaseDocument(Document):
    """One run with scripted replies."""

    description: Maybe[str] = None
    """For people."""
    inputs: Maybe[dict[str, Any]] = None
    """As for `run`; `@file` reads a file."""
    env: Maybe[dict[str, str]] = None
    """Variables that the workflow sees."""
    files: Maybe[dict[str, str]] = None
    """Files of the fresh workspace; `@file` copies one."""
    replies: Maybe[dict[str, Any]] = None
    """Scripted replies by step."""
    tools: Maybe[dict[str, Any]] = None
    """Results by tool (`server.tool` of an MCP server), whoever calls it: one, or a list in the order of the calls."""
    expect: Maybe[CaseExpectation] = None
    """What must be so afterwards."""
    timeout: Maybe[Timeout] = None
    """How long the case may take."""


class WorkflowTestsDocument(Document):
    """Cases of one workflow."""

    nano_flow: LanguageVersion
    """The version of the language."""
    workflow: Text
    """Path of the workflow, relative to this file."""
    commands: Literal["scripted", "real"] = "scripted"
    """scripted (default): a command or tool without a reply is an error; real: it executes."""
    cases: Annotated[dict[str, CaseDocument], Field(min_length=1)]
    """The cases, by name."""


class PolicyExpectation(Document):
    """What is expected of a decision."""

    tier: PlainData = None
    """The tier."""
    model: PlainData = None
    """The first candidate."""
    provider: PlainData = None
    """The first candidate's provider."""
    score: Maybe[Score | ScoreBounds] = None
    """The score."""
    candidates: PlainData = None
    """The candidates, in order."""
    refused: PlainData = None
    """Models that were refused."""


class PolicyCaseDocument(Document):
    """One request and the decision that is expected."""

    description: Maybe[str] = None
    """For people."""
    prompt: str
    """The rendered prompt."""
    system: Maybe[str] = None
    """The system prompt."""
    tags: Maybe[Items[Text]] = None
    """The step's tags."""
    tools: Maybe[Items[Text]] = None
    """The step's tools."""
    policy: Maybe[Name] = None
    """The policy; default: default."""
    facts: Maybe[dict[str, Any]] = None
    """Facts that replace the computed ones."""
    expect: PolicyExpectation
    """What must be decided."""


class PolicyTestsDocument(Document):
    """Cases of the routing policy."""

    nano_flow: LanguageVersion
    """The version of the language."""
    routing: Maybe[Text] = None
    """Path of the routing document; default: the one in force."""
    cases: Annotated[dict[str, PolicyCaseDocument], Field(min_length=1)]
    """The cases, by name."""
