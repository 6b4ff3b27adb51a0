"""The spec of each kind of step: what its runner needs, with every default filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nano_flow.core.messages import Json
from nano_flow.documents.agent import CheckVerify, JudgeVerify, RunVerify
from nano_flow.documents.steps import ApproveStep, PromptStep, RunStep, SwitchStep, ToolStep, WaitStep
from nano_flow.documents.workflow import CommandTool
from nano_flow.plan.call_specs import reply_spec, route_spec
from nano_flow.plan.draft import Draft, DraftStep
from nano_flow.plan.freezing.graphs import Built, group_graph
from nano_flow.plan.freezing.tagging import CallersTags
from nano_flow.plan.plan import (
    DEFAULT_SHELL,
    PlannedApprove,
    PlannedCheck,
    PlannedFinish,
    PlannedGroup,
    PlannedPrompt,
    PlannedRun,
    PlannedSet,
    PlannedSwitch,
    PlannedTool,
    PlannedWait,
    PlannedWorkflow,
    Spec,
    Value,
)
from nano_flow.source.expressions import Template

Fields = Mapping[str, Value]
REPAIRS = 2
TURNS = 20


_CODE_OPTION = {"node": "-e", "perl": "-e", "ruby": "-e", "pwsh": "-Command", "powershell": "-Command", "php": "-r"}
"""How programs other than shells and Python take code as an argument."""


def make_spec(draft: Draft, step: DraftStep, built: Built) -> Spec:
    """The spec of ``step``; the steps inside it are built already."""
    return _BY_KIND[step.document.kind](draft, step, built)


def command(
    document: RunStep | RunVerify | CommandTool, fields: Fields, schema: Mapping[str, Json] | None
) -> PlannedRun:
    """A command as argv, or as a script for its shell."""
    return PlannedRun(
        argv=templates(fields.get("argv")),
        may_be_option=_may_be_option(document),
        script=document.run if isinstance(document.run, str) else None,
        shell=_shell(document.shell) if isinstance(document.run, str) else (),
        cwd=template(fields.get("cwd")),
        stdin=template(fields.get("stdin")),
        env=_env(fields.get("env")),
        output_schema=schema,
    )


def _may_be_option(document: RunStep | RunVerify | CommandTool) -> tuple[int, ...]:
    """The positions of the arguments that stand as ``{arg: …, dash: allow}``."""
    written = document.run if isinstance(document.run, list) else []
    return tuple(position for position, argument in enumerate(written) if not isinstance(argument, str))


def _shell(written: list[str] | str | None) -> tuple[str, ...]:
    """The words before the script: a shell's own option for code is added where it is not written."""
    if written is None:
        return DEFAULT_SHELL
    words = tuple(written.split() if isinstance(written, str) else written)
    program = words[0].replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
    option = _CODE_OPTION.get(program.rstrip("0123456789."), "-c")
    return words if words[-1] == option else (*words, option)


def template(value: Value) -> Template | None:
    """The template that a field holds, if any."""
    return value if isinstance(value, Template) else None


def templates(value: Value) -> tuple[Template, ...]:
    """The templates that a field holds as a list."""
    return tuple(item for item in value if isinstance(item, Template)) if isinstance(value, list) else ()


def _env(value: Value) -> dict[str, Template | None]:
    """Variables; None takes one away."""
    if not isinstance(value, dict):
        return {}
    return {name: item if isinstance(item, Template) else None for name, item in value.items()}


def _required(fields: Fields, name: str) -> Template:
    value = fields[name]
    assert isinstance(value, Template)
    return value


def _schema(draft: Draft, step: DraftStep) -> Mapping[str, Json] | None:
    if getattr(step.document, "output_schema", None) is None:
        return None
    return draft.schemas.get(draft.written(step.number, "output_schema"))


def _prompt(draft: Draft, step: DraftStep, built: Built) -> Spec:
    document, fields = step.document, draft.fields[step.number]
    assert isinstance(document, PromptStep)
    repair = document.repair
    return PlannedPrompt(
        prompt=_required(fields, "prompt"),
        system=template(fields.get("system")),
        route=route_spec(document),
        reply=reply_spec(document, _schema(draft, step)),
        tools=tuple(document.tools or ()),
        max_turns=document.max_turns or TURNS,
        attachments=templates(fields.get("attachments")),
        conversation=document.conversation,
        cache=document.cache is not None and document.cache is not False,
        cache_ttl_s=document.cache if isinstance(document.cache, float) else None,
        verify=tuple(_checks(document, fields)),
        repair_attempts=REPAIRS if repair is None else repair.max_attempts,
        repair_escalate=False if repair is None else repair.escalate,
    )


def _checks(document: PromptStep, fields: Fields) -> list[PlannedCheck]:
    made = fields.get("verify")
    entries = made if isinstance(made, list) else []
    return [_check(entry, made) for entry, made in zip(document.verify or (), entries, strict=True)]


def _check(entry: CheckVerify | JudgeVerify | RunVerify, made: Value) -> PlannedCheck:
    fields = made if isinstance(made, dict) else {}
    message = template(fields.get("message"))
    if isinstance(entry, CheckVerify):
        return PlannedCheck(check=_required(fields, "check"), message=message)
    if isinstance(entry, JudgeVerify):
        judge = _required(fields, "judge")
        return PlannedCheck(judge=judge, message=message, at_least=entry.at_least, model=entry.model)
    return PlannedCheck(run=command(entry, fields, None), message=message)


def _run(draft: Draft, step: DraftStep, built: Built) -> Spec:
    assert isinstance(step.document, RunStep)
    return command(step.document, draft.fields[step.number], _schema(draft, step))


def _tool(draft: Draft, step: DraftStep, built: Built) -> Spec:
    assert isinstance(step.document, ToolStep)
    return PlannedTool(step.document.tool, draft.fields[step.number]["with"], _schema(draft, step))


def _workflow(draft: Draft, step: DraftStep, built: Built) -> Spec:
    inputs = draft.fields[step.number]["with"]
    assert isinstance(inputs, dict)
    written = draft.tags_written[step.number]
    coming = tuple(tag for tag in draft.tags[step.number] if tag not in written)
    return PlannedWorkflow(CallersTags(written, coming).plan(draft.plans[step.number]), inputs)


def _set(draft: Draft, step: DraftStep, built: Built) -> Spec:
    values = draft.fields[step.number]["set"]
    assert isinstance(values, dict)
    return PlannedSet(values)


def _approve(draft: Draft, step: DraftStep, built: Built) -> Spec:
    assert isinstance(step.document, ApproveStep)
    document = step.document.approve
    return PlannedApprove(
        message=_required(draft.fields[step.number], "message"),
        options=tuple(document.options or ("approve", "reject")),
        input_schema=draft.schemas.get((*step.at, "approve", "input")),
        timeout_s=document.timeout,
        on_timeout=document.on_timeout,
    )


def _switch(draft: Draft, step: DraftStep, built: Built) -> Spec:
    assert isinstance(step.document, SwitchStep)
    branches = [draft.graphs[graph].steps[0] for graph in draft.inner[step.number]]
    default = branches.pop() if step.document.switch.default is not None else None
    return PlannedSwitch(
        value=_required(draft.fields[step.number], "value"),
        cases={draft.steps[number].case or "": built[number] for number in branches},
        default=None if default is None else built[default],
    )


def _group(draft: Draft, step: DraftStep, built: Built) -> Spec:
    return PlannedGroup(group_graph(draft, step, built))


def _wait(draft: Draft, step: DraftStep, built: Built) -> Spec:
    assert isinstance(step.document, WaitStep)
    if isinstance(step.document.wait, float):
        return PlannedWait(step.document.wait)
    return PlannedWait(_required(draft.fields[step.number], "wait"))


def _finish(draft: Draft, step: DraftStep, built: Built) -> Spec:
    return PlannedFinish(_required(draft.fields[step.number], "message"), failed=step.document.kind == "fail")


_BY_KIND: Mapping[str, Callable[[Draft, DraftStep, Built], Spec]] = {
    "prompt": _prompt,
    "run": _run,
    "tool": _tool,
    "workflow": _workflow,
    "set": _set,
    "approve": _approve,
    "switch": _switch,
    "steps": _group,
    "wait": _wait,
    "finish": _finish,
    "fail": _finish,
}
