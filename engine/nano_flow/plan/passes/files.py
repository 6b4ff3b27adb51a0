"""Texts that stand in files of their own: prompts and schemas, never read from outside the project."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from nano_flow.core.messages import Json
from nano_flow.documents.common import FileReference
from nano_flow.documents.steps import ApproveStep, PromptStep, RunStep, ToolStep
from nano_flow.documents.workflow import CommandTool, McpDocument, McpTool
from nano_flow.plan.draft import Draft, FileText, Found, Path, join, problem
from nano_flow.plan.reading.confine import ReadText, beside, outside, read_text
from nano_flow.plan.reading.json_text import JsonFault, read_json
from nano_flow.plan.reading.mcp_file import FileServer, ServerFault, read_server

_Schema = Mapping[str, object]


def read_files(draft: Draft) -> tuple[Draft, Found]:
    """Read every ``{file: …}`` once; schemas written in place are taken as they are."""
    reader = _FileReader(draft)
    for at, name in _prompts(draft):
        reader.text(at, name)
    for at, schema in _schemas(draft):
        reader.schema(at, schema)
    for name, tool in (draft.document.tools or {}).items():
        if isinstance(tool, McpTool) and tool.mcp.file is not None:
            reader.server(name, tool.mcp)
    made = replace(draft, texts=reader.texts, schemas=reader.schemas, servers=reader.servers, files=reader.files)
    return made, reader.found


def _prompts(draft: Draft) -> Iterator[tuple[Path, str]]:
    for step in draft.steps:
        document = step.document
        if isinstance(document, PromptStep) and isinstance(document.prompt, FileReference):
            yield (*step.at, "prompt"), document.prompt.file


def _schemas(draft: Draft) -> Iterator[tuple[Path, _Schema]]:
    for step in draft.steps:
        document = step.document
        if isinstance(document, PromptStep | RunStep | ToolStep) and document.output_schema is not None:
            yield draft.written(step.number, "output_schema"), document.output_schema
        elif isinstance(document, ApproveStep) and document.approve.input is not None:
            yield (*step.at, "approve", "input"), document.approve.input
    for name, tool in (draft.document.tools or {}).items():
        if isinstance(tool, CommandTool):
            yield from _tool_schemas(name, tool)


def _tool_schemas(name: str, tool: CommandTool) -> Iterator[tuple[Path, _Schema]]:
    if tool.parameters is not None:
        yield ("tools", name, "parameters"), tool.parameters
    if tool.output_schema is not None:
        yield ("tools", name, "output_schema"), tool.output_schema


class _FileReader:
    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._folder = draft.path.rpartition("/")[0] or "/"
        self._read: dict[str, ReadText] = {}
        self.texts: dict[Path, FileText] = {}
        self.schemas: dict[Path, Mapping[str, Json]] = {}
        self.servers: dict[str, FileServer] = {}
        self.files: dict[str, str] = dict(draft.files)
        self.found: Found = []

    def text(self, at: Path, name: str) -> FileText | None:
        """The file ``name``; None, and a diagnostic, where it cannot be read."""
        where = self._draft.where((*at, "file"))
        reason = outside(name, self._folder, self._draft.context.root)
        if reason:
            self.found.append(problem("NF312", reason, where, at=at, hint="name a file of this project"))
            return None
        path = join(self._folder, name)
        if path not in self._read:
            self._read[path] = read_text(self._draft.context, path)
        read = self._read[path]
        if read.problem:
            self.found.append(problem("NF311", f'the file "{name}" {read.problem}', where, at=at))
            return None
        self.files[path] = read.digest
        self.texts[at] = FileText(beside(self._draft.source.file, name), read.text)
        return self.texts[at]

    def server(self, name: str, written: McpDocument) -> None:
        """Keep what a file of servers says of the one that a tool is."""
        at = ("tools", name, "mcp")
        file = self.text(at, written.file or "")
        if file is None:
            return
        try:
            found = read_server(file.text, written.server or name, self._draft.context.root)
        except ServerFault as fault:
            place = (*at, "server") if written.server is not None and "server" in str(fault) else (*at, "file")
            where = self._draft.where(place)
            self.found.append(problem("NF311", f'"{written.file}" {fault}', where, at=place))
            return
        reason = found.cwd and outside(found.cwd, self._folder_of(written.file or ""), self._draft.context.root)
        if reason:
            self.found.append(problem("NF312", reason, self._draft.where((*at, "file")), at=at))
            return
        self.servers[name] = found

    def _folder_of(self, name: str) -> str:
        return join(self._folder, name).rpartition("/")[0] or "/"

    def schema(self, at: Path, schema: _Schema) -> None:
        """Keep the schema at ``at``, from its file where it names one."""
        if at in self.schemas:
            return
        name = schema.get("file")
        if len(schema) != 1 or not isinstance(name, str):
            self.schemas[at] = schema  # type: ignore[assignment]
            return
        file = self.text(at, name)
        if file is None:
            return
        try:
            read = read_json(file.text)
        except JsonFault as fault:
            where = self._draft.where((*at, "file"))
            self.found.append(problem("NF311", f'"{name}" is no JSON: {fault}', where, at=at))
            return
        if isinstance(read, dict):
            self.schemas[at] = read
            return
        kind = json.dumps(read)[:40]
        where = self._draft.where((*at, "file"))
        self.found.append(
            problem("NF316", f'"{name}" holds no JSON Schema: expected an object, found {kind}', where, at=at)
        )
