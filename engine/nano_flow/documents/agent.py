"""What an agent step may say about its model, its tools and the checks of its reply."""

# No "from __future__ import annotations": Pydantic would parse every annotation of every class again at start-up.
from typing import Annotated, Any, Literal

from pydantic import Field

from nano_flow.documents.commands import CommandLine
from nano_flow.documents.common import (
    Argument,
    Document,
    Duration,
    Expression,
    Items,
    JsonSchema,
    Maybe,
    Name,
    No,
    OneOf,
    Part,
    Score,
    Share,
    StepId,
    TemplateText,
    Text,
    TokenCount,
    Words,
    key_in,
)


class ComplexityDocument(Document):
    """Bounds on the score that routing computes."""

    at_least: Maybe[Score] = None
    """The score is raised to this."""
    at_most: Maybe[Score] = None
    """The score is lowered to this."""


class ToolChoiceDocument(Document):
    """One tool that the model has to call."""

    tool: Text
    """Its name."""


class ParamsDocument(Document):
    """Sampling and reasoning parameters; translated to the names of each provider."""

    temperature: Maybe[Annotated[float, Field(ge=0, le=2)]] = None
    """How much the model varies, 0 to 2."""
    top_p: Maybe[Annotated[float, Field(ge=0, le=1)]] = None
    """Share of the probability that is sampled from."""
    seed: Maybe[Annotated[int, Field(ge=-(2**63), lt=2**63)]] = None
    """Seed, where the provider takes one."""
    stop: Maybe[Words] = None
    """Texts at which the model stops."""
    reasoning_effort: Maybe[Literal["none", "minimal", "low", "medium", "high", "xhigh"]] = None
    """How long the model reasons."""
    verbosity: Maybe[Literal["low", "medium", "high"]] = None
    """How long the reply is."""
    tool_choice: Maybe[Text | Part[ToolChoiceDocument]] = None
    """auto, none, required, or `{tool: NAME}`; what is required holds until a call was served."""
    extra: Maybe[dict[str, Any]] = None
    """Parameters of the provider's own, sent as they are."""


class RepairDocument(Document):
    """What happens when a reply breaks its schema or fails `verify`."""

    max_attempts: Annotated[int, Field(ge=0, le=20)] = 2
    """How often the message goes back to the model."""
    escalate: bool = False
    """Then ask the next tier."""


class CheckVerify(Document):
    """An expression that must hold for the output."""

    check: Expression
    """Expression over `output`."""
    message: Maybe[TemplateText] = None
    """What the model is told when it does not hold."""


class JudgeVerify(Document):
    """A model that judges the output."""

    judge: TemplateText
    """The question that the judge answers with a score from 0 to 1."""
    at_least: Share = 0.5
    """The score that is needed."""
    model: Maybe[Text] = None
    """The judge's model or tier."""
    message: Maybe[TemplateText] = None
    """What the model is told when the score is too low."""


class RunVerify(Document):
    """A command that must exit with 0."""

    run: CommandLine | Text
    """A command as a list of arguments, or a script."""
    shell: Maybe[Annotated[Items[Text], Field(min_length=1)] | Text] = None
    """The shell of a script."""
    cwd: Maybe[TemplateText] = None
    """Working directory, inside the workspace."""
    stdin: Maybe[TemplateText] = None
    """What the command reads."""
    env: Maybe[dict[str, Argument | None]] = None
    """Variables of the command; one that is null is not set."""
    message: Maybe[TemplateText] = None
    """What the model is told when the command fails; default: its stderr."""


VERIFY_KINDS = ("check", "judge", "run")


def kind_of_verify(value: Any) -> str | None:
    """The key that tells what a `verify` entry is."""
    return key_in(value, VERIFY_KINDS)


VerifyDocument = Annotated[CheckVerify | JudgeVerify | RunVerify, OneOf(kind_of_verify, VERIFY_KINDS)]


class RecordDocument(Document):
    """What is kept of a run besides its books."""

    prompts: bool = True
    """false: what models are asked is not kept, only its facts and fingerprints."""


class AgentSettings(Document):
    """Keys of an agent step that `defaults` may hold too."""

    system: Maybe[TemplateText] = None
    """Instructions that stand before the conversation."""
    model: Maybe[Text] = None
    """auto (default: routed), a tier, provider/model, an alias, or a template that gives one of these."""
    policy: Maybe[Name] = None
    """A policy of routing.yaml; default: default."""
    provider: Maybe[Words] = None
    """Only models of these providers."""
    complexity: Maybe[Score | Part[ComplexityDocument]] = None
    """The score itself, or bounds on it."""
    fallback: Maybe[Items[Text] | Text | No] = None
    """Models to try after a failure, the name of a chain, or false."""
    tools: Maybe[Items[Text]] = None
    """Tools that the model may call; `server` is all of a server, `server.tool` one."""
    max_turns: Maybe[Annotated[int, Field(ge=1, le=1000)]] = None
    """Model calls of one execution; default: 20."""
    output_schema: Maybe[JsonSchema] = None
    """JSON Schema 2020-12 of the reply; makes `output` an object."""
    max_output_tokens: Maybe[TokenCount] = None
    """The cap that is sent; default: 4096, or 16k where the model reasons."""
    params: Maybe[Part[ParamsDocument]] = None
    """Sampling and reasoning parameters."""
    attachments: Maybe[Items[TemplateText]] = None
    """Images and text files that go with the prompt."""
    conversation: Maybe[StepId] = None
    """Go on with the messages of that step."""
    cache: Maybe[bool | Duration] = None
    """Reuse a recorded reply: false (default), true, or for how long."""
    verify: Maybe[Items[VerifyDocument]] = None
    """Checks that the output must pass."""
    repair: Maybe[Part[RepairDocument]] = None
    """What happens when a check fails."""
