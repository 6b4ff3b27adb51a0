"""``nano-flow approvals``: questions that runs ask people, and their answers."""

from __future__ import annotations

import getpass
import time
from contextlib import suppress

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options
from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json
from nano_flow.core.text import rfc3339

_EPILOG = """\b
Examples:
  nano-flow approvals
  nano-flow approvals answer last ship publish --comment "read and fine"
  nano-flow approvals answer 3f9a ship publish --input '{"title": "1.2"}'
"""


@click.group("approvals", invoke_without_command=True, epilog=_EPILOG)
@click.pass_context
def command(context: click.Context) -> int:
    """List and answer what runs ask; without a command: list."""
    return 0 if context.invoked_subcommand else int(context.invoke(list_command) or 0)


@command.command("list")
@pass_options
def list_command(options: Options) -> int:
    """List open questions, oldest first."""
    from nano_flow.operations.runs.asking import approvals_document, open_questions

    questions = open_questions(options.place)
    if options.json:
        output.document("nano-flow/approvals@1", {"approvals": approvals_document(questions)["approvals"]})
        return 0
    timed = any(q.expires_at is not None for q in questions)
    rows = [
        (q.run_id, q.address, " | ".join(q.options), *((_until(q.expires_at),) if timed else ()), q.message)
        for q in questions
    ]
    if rows:
        output.data(output.table(("run", "address", "options", *(("until",) if timed else ()), "message"), rows))
        expired = [q.run_id for q in questions if _is_over(q.expires_at)]
        for run in dict.fromkeys(expired):
            output.note(f"{run}: nobody answered in time; {options.typed(f'resume {run}')} goes on without")
    else:
        output.note("nothing is asked")
    return 0


def _is_over(expires_at: float | None) -> bool:
    return expires_at is not None and expires_at <= time.time()


def _until(expires_at: float | None) -> str:
    if expires_at is None:
        return ""
    return "expired" if _is_over(expires_at) else rfc3339(expires_at)[:16].replace("T", " ") + "Z"


@command.command("answer")
@click.argument("run")
@click.argument("address")
@click.argument("option")
@click.option("--input", "given", metavar="JSON", help="The input that the question wants.")
@click.option("--comment", default="", help="Why.")
@pass_options
def answer_command(options: Options, /, run: str, address: str, option: str, given: str | None, comment: str) -> int:
    """Answer the question that RUN asks at ADDRESS with OPTION."""
    from nano_flow.operations.runs.asking import Answer, answer_question

    found = answer_question(options.place, run, Answer(address, option, _person(), _parsed(given), comment))
    if options.json:
        output.document("nano-flow/answer@1", {"run_id": found.run_id, "address": address, "decision": option})
    elif found.owner is None:
        output.note(f'answered; "{options.typed(f"resume {found.run_id}")}" goes on')
    else:
        output.note("answered")
    return 0


def _parsed(given: str | None) -> Json:
    if given is None:
        return None
    from nano_flow.core.strict_json import strict_json

    try:
        return strict_json(given)
    except ValueError as error:
        raise UsageError(f"--input is not JSON: {error}") from None


def _person() -> str:
    with suppress(KeyError, OSError):
        return getpass.getuser()
    return "unknown"
