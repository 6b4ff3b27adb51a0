"""Built-in tools by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from nano_flow.plugins import lent, load
from nano_flow.ports import Commands, Tool
from nano_flow.tools.commands import RunCommand
from nano_flow.tools.files.tool import FILE_TOOLS, file_tool
from nano_flow.tools.files.workspace import Workspace
from nano_flow.tools.http import HttpGet

MakeTool = Callable[[tuple[str, ...]], Tool]
"""Makes a tool; it is given the allow-list that the workflow declares for it."""


def builtin_tools(
    workspace: Workspace, commands: Commands, environ: Mapping[str, str], http_get: MakeTool | None = None
) -> Mapping[str, MakeTool]:
    """Every built-in tool, made when a step lists it."""
    files: dict[str, MakeTool] = {name: partial(_file, name, workspace) for name in FILE_TOOLS}
    run_command = partial(RunCommand, commands=commands, workspace=workspace, environ=environ)
    return {**files, "run_command": run_command, "http_get": http_get or HttpGet}


class ToolTable(Mapping[str, MakeTool]):
    """The built-in tools, and those of installed packages, which are looked up when a step lists one."""

    def __init__(
        self, workspace: Workspace, commands: Commands, environ: Mapping[str, str], http_get: MakeTool | None = None
    ) -> None:
        self._builtin = builtin_tools(workspace, commands, environ, http_get)
        self._folder = str(workspace.root)
        self._environ = environ

    def __getitem__(self, name: str) -> MakeTool:
        make, own = self._builtin.get(name), lent(name)
        if make is not None and own is None:
            return make
        factory = own or load("tools", name)
        if not callable(factory):
            raise KeyError(name)
        folder, environ = self._folder, self._environ

        def made(allow: tuple[str, ...]) -> Tool:
            tool: Tool = factory(folder, environ)
            return tool

        return made

    def __iter__(self) -> Iterator[str]:
        yield from self._builtin

    def __len__(self) -> int:
        return len(self._builtin)


def _file(name: str, workspace: Workspace, allow: tuple[str, ...]) -> Tool:
    return file_tool(name, workspace)
