"""``nano-flow ask``: one agent, routed, without a workflow file."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from nano_flow.cli.common import Options, pass_options
from nano_flow.cli.run import PROVIDER, Dollars
from nano_flow.core.errors import UsageError

_EPILOG = """\b
Examples:
  nano-flow ask "What does this project do?" --tools read_file,list_directory
  nano-flow ask "Name this function" --model openai/gpt-5-nano < function.py
  nano-flow ask "Anything" --offline
"""


@click.command("ask", epilog=_EPILOG)
@click.argument("prompt")
@click.option("--model", metavar="MODEL", help="provider/model, a tier, or a model of --provider.")
@PROVIDER
@click.option("--tools", default="", metavar="A,B", help="Tools that the agent may use, such as read_file.")
@click.option("--workspace", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Where tools work.")
@click.option("--offline", is_flag=True, help="Simulated models only.")
@click.option("--budget", type=Dollars(), metavar="USD", help="At most this many dollars.")
@pass_options
def command(options: Options, /, prompt: str, tools: str, workspace: Path | None, **chosen: object) -> int:
    """Ask one agent PROMPT; what comes in on standard input is put below it."""
    from nano_flow.cli.live import run_document
    from nano_flow.operations.runs.starting import GivenInputs, RunOptions, StartOrder, agent_document

    text = prompt if sys.stdin.isatty() else _with_input(prompt)
    if not text.strip():
        raise UsageError("the prompt is empty")
    names = [name.strip() for name in tools.split(",") if name.strip()]
    path = str((workspace or Path.cwd()).absolute() / "ask.yaml")
    given, what = GivenInputs(data={"prompt": text}), RunOptions(**chosen)  # type: ignore[arg-type]
    return run_document(options, StartOrder(path, given, what, texts={path: agent_document(names)}))


def _with_input(prompt: str) -> str:
    try:
        piped = sys.stdin.read()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"standard input cannot be read as text: {error}") from None
    return f"{prompt}\n\n{piped}" if piped.strip() else prompt
