"""Commands: no value ever becomes part of a script, be it for a shell or for an interpreter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.documents.agent import RunVerify
from nano_flow.documents.commands import ArgumentDocument
from nano_flow.documents.steps import PromptStep, RunStep
from nano_flow.documents.workflow import CommandTool
from nano_flow.plan.draft import Draft, Path, problem
from nano_flow.source.expressions import place

_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{\{|\{%", re.DOTALL)
Command = RunStep | RunVerify | CommandTool


def check_commands(draft: Draft) -> Iterator[Diagnostic]:
    """Every command of a step, of a check and of a declared tool."""
    for at, command in _commands(draft):
        yield from _check(draft, at, command)


def _commands(draft: Draft) -> Iterator[tuple[Path, Command]]:
    for step in draft.steps:
        document = step.document
        if isinstance(document, RunStep):
            yield step.at, document
        elif isinstance(document, PromptStep):
            for position, entry in enumerate(document.verify or ()):
                if isinstance(entry, RunVerify):
                    yield draft.written(step.number, "verify", position), entry
    for name, tool in (draft.document.tools or {}).items():
        if isinstance(tool, CommandTool):
            yield ("tools", name), tool


def _check(draft: Draft, at: Path, command: Command) -> Iterator[Diagnostic]:
    if isinstance(command.run, str):
        tag = _TAG.search(command.run)
        if tag is not None:
            message = "a script holds no template: a value in it would be read as code"
            yield _problem(draft, (*at, "run"), command.run, tag, message)
        if isinstance(command.shell, str) and not command.shell.split():
            where = draft.where((*at, "shell"))
            yield problem("NF315", '"shell" names no program', where, at=(*at, "shell"), hint="write `shell: bash`")
        return
    if command.shell is not None:
        where = draft.where((*at, "shell"))
        message = '"shell" is for a script; a list of arguments runs without one'
        yield problem("NF315", message, where, at=(*at, "shell"), hint="write `run:` as a text, or leave `shell` out")
    words = [argument if isinstance(argument, str) else argument.arg for argument in command.run]
    if any(_TAG.search(word) for word in words):
        yield from _in_scripts(draft, at, command.run, words)
    if command.stdin is not None:
        yield from _from_stdin(draft, at, command.stdin, words)


def _in_scripts(
    draft: Draft, at: Path, written: Sequence[str | ArgumentDocument], words: Sequence[str]
) -> Iterator[Diagnostic]:
    from nano_flow.plan.programs.interpreters import script_arguments  # few commands hold templates

    for script in script_arguments(words):
        text = words[script.position]
        tag = _TAG.search(text)
        if tag is not None:
            message = f'a template in the script of "{script.program}": its value would be read as code'
            inside = () if isinstance(written[script.position], str) else ("arg",)
            yield _problem(draft, (*at, "run", script.position, *inside), text, tag, message, script.value)


def _from_stdin(draft: Draft, at: Path, stdin: str, words: Sequence[str]) -> Iterator[Diagnostic]:
    from nano_flow.plan.programs.interpreters import reads_code_from_stdin

    tag = _TAG.search(stdin)
    reader = reads_code_from_stdin(words) if tag is not None else None
    if tag is not None and reader is not None:
        message = f'a template in the input of "{reader.program}", which reads it as code'
        yield _problem(draft, (*at, "stdin"), stdin, tag, message, reader.value)


def _problem(draft: Draft, at: Path, text: str, tag: re.Match[str], message: str, value: str = "") -> Diagnostic:
    where = place(text, draft.where(at), draft.source.locator(at), tag.start(), tag.end())
    shown = tag[0] if tag[0].startswith("{{") and tag[0].endswith("}}") and "\n" not in tag[0] else "{{ … }}"
    reads = f"`{value}`" if value else '"$VALUE"'
    hint = f"""hand the value over: `env: {{VALUE: "{shown}"}}`, and read it as {reads} in the script"""
    return problem("NF314", message, where, at=at, hint=hint)
