"""Built-in tools by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from nano_flow.ports import Commands, Tool
from nano_flow.tools.commands import RunCommand
from nano_flow.tools.files.tool import FILE_TOOLS, file_tool
from nano_flow.tools.files.workspace import Workspace
from nano_flow.tools.http import HttpGet

MakeTool = Callable[[tuple[str, ...]], Tool]
"""Makes a tool; it is given the allow-list that the workflow declares for it."""


def builtin_tools(workspace: Workspace, commands: Commands, environ: Mapping[str, str]) -> Mapping[str, MakeTool]:
    """Every built-in tool, made when a step lists it."""
    files: dict[str, MakeTool] = {name: partial(_file, name, workspace) for name in FILE_TOOLS}
    run_command = partial(RunCommand, commands=commands, workspace=workspace, environ=environ)
    return {**files, "run_command": run_command, "http_get": HttpGet}


def _file(name: str, workspace: Workspace, allow: tuple[str, ...]) -> Tool:
    return file_tool(name, workspace)
