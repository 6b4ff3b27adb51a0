"""``nano-flow tools``: what MCP servers said of their tools when they were accepted, and what they say now."""

from __future__ import annotations

from pathlib import Path

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options

_EPILOG = """\b
Examples:
  nano-flow tools
  nano-flow tools accept tracker
  nano-flow tools accept tracker --workflow review.yaml
"""


@click.group("tools", invoke_without_command=True, epilog=_EPILOG)
@click.pass_context
def command(context: click.Context) -> int:
    """List and accept what MCP servers say of their tools; without a command: list. No server is started."""
    return 0 if context.invoked_subcommand else int(context.invoke(list_command) or 0)


@command.command("list")
@pass_options
def list_command(options: Options) -> int:
    """List the tools that are known, and which of them changed."""
    from nano_flow.operations.project.tools import known_tools

    rows = [(known.workflow, known.tool, known.state) for known in known_tools(options.place)]
    if options.json:
        fields = [{"workflow": workflow, "tool": tool, "state": state} for workflow, tool, state in rows]
        output.document("nano-flow/tools@1", {"tools": fields})
    elif rows:
        output.data(output.table(("workflow", "tool", "state"), rows))
    else:
        output.note("no MCP server was started yet")
    return 0


@command.command("accept")
@click.argument("server")
@click.option("--workflow", type=click.Path(path_type=Path), metavar="FILE", help="Only as this workflow uses it.")
@pass_options
def accept_command(options: Options, /, server: str, workflow: Path | None) -> int:
    """Accept what SERVER said of its tools when a run was stopped."""
    from nano_flow.operations.project.tools import accept_tools

    accepted = accept_tools(options.place, server, workflow)
    if options.json:
        fields = [{"workflow": place, "tool": f"{server}.{tool}"} for place, tool in accepted]
        output.document("nano-flow/tools@1", {"accepted": fields})
    for place, tool in accepted:
        output.note(f"accepted {server}.{tool} in {place}")
    if not accepted:
        output.note(f'"{server}" has nothing to accept')
    return 0
