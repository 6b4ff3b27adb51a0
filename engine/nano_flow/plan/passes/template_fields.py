"""Which fields of each kind of step hold templates, and what those see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from nano_flow.documents.agent import CheckVerify, JudgeVerify, RunVerify
from nano_flow.documents.steps import (
    ApproveStep,
    FailStep,
    FileReference,
    FinishStep,
    GroupStep,
    OnErrorOutput,
    PromptStep,
    RunStep,
    SetStep,
    Step,
    SwitchStep,
    ToolStep,
    WaitStep,
    WorkflowStep,
)
from nano_flow.documents.workflow import CommandTool
from nano_flow.plan.draft import Path
from nano_flow.plan.places import BODY, ENV, FOR_EACH, ON_ERROR, OUTPUTS, UNTIL, VERIFY, WHEN, Place
from nano_flow.plan.plan import Value
from nano_flow.source.expressions import Template

Fields = dict[str, Value]


class Reader(Protocol):
    """Checks what stands under ``keys`` of the step at hand."""

    def text(self, keys: Path, source: str, place: Place) -> Template:
        """A template."""

    def expression(self, keys: Path, source: str, place: Place) -> Template:
        """An expression."""

    def value(self, keys: Path, data: object, place: Place) -> Value:
        """Data with templates in it."""

    def prompt_file(self, keys: Path, place: Place) -> Template:
        """The template in a file."""


def common_fields(document: Step, fields: Fields, read: Reader) -> None:
    """What any step may say."""
    if document.when is not None:
        when = document.when
        source = when if isinstance(when, str) else str(when).lower()
        fields["when"] = read.expression(("when",), source, WHEN)
    if document.for_each is not None:
        items = document.for_each
        if isinstance(items, str):
            fields["for_each"] = read.expression(("for_each",), items, FOR_EACH)
        else:
            fields["for_each"] = read.value(("for_each",), items, FOR_EACH)
    if document.repeat is not None and document.repeat.until is not None:
        fields["until"] = read.expression(("repeat", "until"), document.repeat.until, UNTIL)
    if isinstance(document.on_error, OnErrorOutput):
        fields["on_error"] = read.value(("on_error", "output"), document.on_error.output, ON_ERROR)


def command_fields(
    document: RunStep | RunVerify | CommandTool,
    fields: Fields,
    read: Reader,
    *,
    at: Path = (),
    body: Place = BODY,
    env: Place = ENV,
) -> None:
    """The templates of a command; a script holds none."""
    if isinstance(document.run, list):
        fields["argv"] = [
            read.text((*at, "run", i), item, body)
            if isinstance(item, str)
            else read.text((*at, "run", i, "arg"), item.arg, body)
            for i, item in enumerate(document.run)
        ]
    if document.cwd is not None:
        fields["cwd"] = read.text((*at, "cwd"), document.cwd, body)
    if document.stdin is not None:
        fields["stdin"] = read.text((*at, "stdin"), document.stdin, body)
    if document.env is not None:
        written = document.env.items()
        fields["env"] = {n: None if text is None else read.text((*at, "env", n), text, env) for n, text in written}


def _prompt(document: PromptStep, fields: Fields, read: Reader) -> None:
    if isinstance(document.prompt, FileReference):
        fields["prompt"] = read.prompt_file(("prompt",), BODY)
    else:
        fields["prompt"] = read.text(("prompt",), document.prompt, BODY)
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


def _run(document: RunStep, fields: Fields, read: Reader) -> None:
    command_fields(document, fields, read)


def _with(document: ToolStep | WorkflowStep, fields: Fields, read: Reader) -> None:
    fields["with"] = read.value(("with",), document.with_ or {}, BODY)


def _set(document: SetStep, fields: Fields, read: Reader) -> None:
    fields["set"] = read.value(("set",), document.set, BODY)


def _approve(document: ApproveStep, fields: Fields, read: Reader) -> None:
    fields["message"] = read.text(("approve", "message"), document.approve.message, BODY)


def _switch(document: SwitchStep, fields: Fields, read: Reader) -> None:
    fields["value"] = read.expression(("switch", "value"), document.switch.value, BODY)


def _group(document: GroupStep, fields: Fields, read: Reader) -> None:
    if document.outputs is not None:
        fields["outputs"] = read.value(("outputs",), document.outputs, OUTPUTS)


def _wait(document: WaitStep, fields: Fields, read: Reader) -> None:
    if isinstance(document.wait, str):
        fields["wait"] = read.text(("wait",), document.wait, BODY)


def _finish(document: FinishStep, fields: Fields, read: Reader) -> None:
    fields["message"] = read.text(("finish",), document.finish, BODY)


def _fail(document: FailStep, fields: Fields, read: Reader) -> None:
    fields["message"] = read.text(("fail",), document.fail, BODY)


# Each function takes the documents of the kind that it stands under.
FIELDS: Mapping[str, Callable[..., None]] = {
    "prompt": _prompt,
    "run": _run,
    "tool": _with,
    "workflow": _with,
    "set": _set,
    "approve": _approve,
    "switch": _switch,
    "steps": _group,
    "wait": _wait,
    "finish": _finish,
    "fail": _fail,
}
