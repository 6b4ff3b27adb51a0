"""``run``: a command, as a list of arguments or as a script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from nano_flow.core.messages import Json
from nano_flow.documents.agent import RunVerify
from nano_flow.documents.steps import RunStep
from nano_flow.documents.workflow import CommandTool
from nano_flow.plan.draft import Draft, DraftStep, Path
from nano_flow.plan.kinds.kind import (
    Built,
    Fields,
    PlannedKind,
    Reader,
    Scope,
    described,
    output_schema,
    template,
    templates,
)
from nano_flow.plan.places import BODY, ENV, Place
from nano_flow.plan.plan import Value
from nano_flow.plan.shape import NUMBER, TEXT, Shape, record
from nano_flow.source.expressions import Template

DEFAULT_SHELL = ("bash", "-euo", "pipefail", "-c")
_CODE_OPTION = {"node": "-e", "perl": "-e", "ruby": "-e", "pwsh": "-Command", "powershell": "-Command", "php": "-r"}
"""How programs other than shells and Python take code as an argument."""


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
    max_output: int | None = None
    capture: Literal["head", "tail", "none"] | None = None
    read_by_others: tuple[str, ...] = ()
    """Which of ``stdout`` and ``stderr`` a later step, or the outputs, read."""


def command(
    document: RunStep | RunVerify | CommandTool, fields: Mapping[str, Value], schema: Mapping[str, Json] | None
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


def _read(document: RunStep, fields: Fields, read: Reader) -> None:
    command_fields(document, fields, read)


def _freeze(draft: Draft, step: DraftStep, built: Built) -> PlannedRun:
    assert isinstance(step.document, RunStep)
    planned = command(step.document, draft.fields[step.number], output_schema(draft, step))
    from nano_flow.plan.programs.readers import streams_read  # few workflows have commands

    document = step.document
    read = ("stdout", *streams_read(draft, step)) if document.output_schema is not None else streams_read(draft, step)
    return replace(
        planned,
        max_output=document.max_output,
        capture=document.capture,
        read_by_others=tuple(sorted(set(read))),
    )


def _output(scope: Scope, step: int) -> Shape:
    return described(scope, step) or record(stdout=TEXT, stderr=TEXT, exit_code=NUMBER)


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


def _env(value: Value) -> dict[str, Template | None]:
    """Variables; None takes one away."""
    if not isinstance(value, dict):
        return {}
    return {name: item if isinstance(item, Template) else None for name, item in value.items()}


KIND = PlannedKind(RunStep, PlannedRun, _read, _freeze, _output)
