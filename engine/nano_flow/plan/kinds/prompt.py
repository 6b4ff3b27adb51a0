"""``prompt``: an agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nano_flow.documents.agent import CheckVerify, JudgeVerify, RunVerify
from nano_flow.documents.steps import PromptStep
from nano_flow.plan.call_specs import USUAL_REPLY, USUAL_ROUTE, ReplySpec, RouteSpec, reply_spec, route_spec
from nano_flow.plan.draft import Draft, DraftStep, Path
from nano_flow.plan.kinds.kind import (
    Built,
    Fields,
    PlannedKind,
    Reader,
    Scope,
    described,
    output_schema,
    required,
    template,
    templates,
)
from nano_flow.plan.kinds.run import PlannedRun, command, command_fields
from nano_flow.plan.places import BODY, VERIFY
from nano_flow.plan.plan import Value
from nano_flow.plan.shape import TEXT, Shape
from nano_flow.source.expressions import Template

REPAIRS = 2
TURNS = 20


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
    model: Template | None = None
    """Where the model is known only when the step runs; ``route`` then says ``auto``."""
    route: RouteSpec = USUAL_ROUTE
    reply: ReplySpec = USUAL_REPLY
    tools: tuple[str, ...] = ()
    max_turns: int = 20
    attachments: tuple[Template, ...] = ()
    conversation: str | None = None
    cache: bool = False
    cache_ttl_s: float | None = None
    verify: tuple[PlannedCheck, ...] = ()
    repair_attempts: int = 2
    repair_escalate: bool = False
    keep_prompts: bool = True
    """Whether what the model is asked is kept for reports."""

    @property
    def repairs(self) -> int:
        """How often a reply goes back at most: never where nothing looks at it."""
        return self.repair_attempts if self.verify or self.reply.output_schema is not None else 0

    @property
    def may_escalate(self) -> int:
        """How many of its repairs go to a tier above: the first stays where others follow it."""
        if not self.repair_escalate:
            return 0
        return self.repairs if self.repairs < 2 else self.repairs - 1


def _read(document: PromptStep, fields: Fields, read: Reader) -> None:
    if isinstance(document.prompt, str):
        fields["prompt"] = read.text(("prompt",), document.prompt, BODY)
    else:
        fields["prompt"] = read.prompt_elsewhere(("prompt",), BODY)
    if document.model is not None and "{{" in document.model:
        fields["model"] = read.text(("model",), document.model, BODY)
    if document.system is not None:
        fields["system"] = read.text(("system",), document.system, BODY)
    if document.attachments is not None:
        fields["attachments"] = [read.text(("attachments", i), t, BODY) for i, t in enumerate(document.attachments)]
    if document.verify is not None:
        fields["verify"] = [_verify(entry, ("verify", i), read) for i, entry in enumerate(document.verify)]


def _verify(entry: CheckVerify | JudgeVerify | RunVerify, at: Path, read: Reader) -> Value:
    fields: Fields = {}
    if isinstance(entry, CheckVerify):
        fields["check"] = read.expression((*at, "check"), entry.check, VERIFY)
    elif isinstance(entry, JudgeVerify):
        fields["judge"] = read.text((*at, "judge"), entry.judge, VERIFY)
    else:
        command_fields(entry, fields, read, at=at, body=VERIFY, env=VERIFY)
    if entry.message is not None:
        fields["message"] = read.text((*at, "message"), entry.message, VERIFY)
    return fields


def _freeze(draft: Draft, step: DraftStep, built: Built) -> PlannedPrompt:
    document, fields = step.document, draft.fields[step.number]
    assert isinstance(document, PromptStep)
    repair = document.repair
    return PlannedPrompt(
        prompt=required(fields, "prompt"),
        system=template(fields.get("system")),
        model=template(fields.get("model")),
        route=route_spec(document),
        reply=reply_spec(document, output_schema(draft, step)),
        tools=tuple(document.tools or ()),
        max_turns=document.max_turns or TURNS,
        attachments=templates(fields.get("attachments")),
        conversation=document.conversation,
        cache=document.cache is not None and document.cache is not False,
        cache_ttl_s=document.cache if isinstance(document.cache, float) else None,
        verify=tuple(_checks(document, fields)),
        repair_attempts=REPAIRS if repair is None else repair.max_attempts,
        repair_escalate=False if repair is None else repair.escalate,
        keep_prompts=document.record is None or document.record.prompts,
    )


def _checks(document: PromptStep, fields: Mapping[str, Value]) -> list[PlannedCheck]:
    made = fields.get("verify")
    entries = made if isinstance(made, list) else []
    return [_check(entry, made) for entry, made in zip(document.verify or (), entries, strict=True)]


def _check(entry: CheckVerify | JudgeVerify | RunVerify, made: Value) -> PlannedCheck:
    fields = made if isinstance(made, dict) else {}
    message = template(fields.get("message"))
    if isinstance(entry, CheckVerify):
        return PlannedCheck(check=required(fields, "check"), message=message)
    if isinstance(entry, JudgeVerify):
        judge = required(fields, "judge")
        return PlannedCheck(judge=judge, message=message, at_least=entry.at_least, model=entry.model)
    return PlannedCheck(run=command(entry, fields, None), message=message)


def _output(scope: Scope, step: int) -> Shape:
    return described(scope, step) or TEXT


KIND = PlannedKind(PromptStep, PlannedPrompt, _read, _freeze, _output)
