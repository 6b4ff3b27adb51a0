"""Texts that stand elsewhere: in files of their own, never outside the project, or under ``shared`` of the file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from nano_flow.core.messages import Json
from nano_flow.documents.common import FileReference, SharedReference
from nano_flow.documents.steps import ApproveStep, PromptStep, RunStep, ToolStep
from nano_flow.documents.workflow import CommandTool, McpDocument, McpTool
from nano_flow.plan.draft import Draft, FileText, Found, Path, join, problem
from nano_flow.plan.names.nearest import did_you_mean, listed
from nano_flow.plan.reading.confine import ReadText, beside, outside, read_text
from nano_flow.plan.reading.json_text import JsonFault, read_json
from nano_flow.plan.reading.mcp_file import FileServer, ServerFault, read_server

_Schema = Mapping[str, object]


def read_files(draft: Draft) -> tuple[Draft, Found]:
    """Read every ``{file: …}`` once, follow every ``{use: …}``; schemas written in place are taken as they are."""
    reader = _FileReader(draft)
    for at, prompt in _prompts(draft):
        reader.prompt(at, prompt)
    for at, schema in _schemas(draft):
        reader.schema(at, schema)
    for name, tool in (draft.document.tools or {}).items():
        if isinstance(tool, McpTool) and tool.mcp.file is not None:
            reader.server(name, tool.mcp)
    return reader.done(), reader.found


def _prompts(draft: Draft) -> Iterator[tuple[Path, FileReference | SharedReference]]:
    shared = draft.document.shared
    for name, text in ((shared and shared.prompts) or {}).items():
        if isinstance(text, FileReference):
            yield ("shared", "prompts", name), text
    for step in draft.steps:
        document = step.document
        if isinstance(document, PromptStep) and not isinstance(document.prompt, str):
            yield (*step.at, "prompt"), document.prompt


def _schemas(draft: Draft) -> Iterator[tuple[Path, _Schema]]:
    shared = draft.document.shared
    for name, schema in ((shared and shared.schemas) or {}).items():
        yield ("shared", "schemas", name), schema
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
        self.shared: dict[Path, Path] = {}
        self.found: Found = []

    def done(self) -> Draft:
        """The draft with all that was read."""
        found = replace(self._draft, texts=self.texts, schemas=self.schemas, files=self.files)
        return replace(found, servers=self.servers, shared=self.shared)

    def prompt(self, at: Path, prompt: FileReference | SharedReference) -> None:
        """Read, or find, the prompt that stands elsewhere."""
        if isinstance(prompt, FileReference):
            self.text(at, prompt.file)
        else:
            self._follow(at, "prompts", prompt.use)

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
        """Keep the schema at ``at``, from where it stands if that is elsewhere."""
        if at in self.schemas:
            return
        file, use = schema.get("file"), schema.get("use")
        if len(schema) == 1 and isinstance(use, str):
            home = self._follow(at, "schemas", use)
            if home is not None and home in self.schemas:
                self.schemas[at] = self.schemas[home]
        elif len(schema) == 1 and isinstance(file, str):
            self._schema_file(at, file)
        else:
            self.schemas[at] = schema  # type: ignore[assignment]

    def _follow(self, at: Path, part: str, name: str) -> Path | None:
        """Where under ``shared`` the text named at ``at`` stands; None, and a diagnostic, where there is none."""
        shared = self._draft.document.shared
        known = (getattr(shared, part) if shared is not None else None) or {}
        place = (*at, "use")
        if at[0] == "shared":
            problem_ = problem("NF340", "what is shared stands here itself", self._draft.where(place), at=place)
            self.found.append(problem_)
            return None
        if name not in known:
            among = f"there is {listed(known)}" if known else "nothing stands there"
            message = f'"{name}" is not under `shared: {{{part}: …}}` of this file: {among}'
            hint = did_you_mean(name, known) or f"write it there, as `shared: {{{part}: {{{name}: …}}}}`"
            self.found.append(problem("NF340", message, self._draft.where(place), at=place, hint=hint))
            return None
        self.shared[at] = ("shared", part, name)
        return self.shared[at]

    def _schema_file(self, at: Path, name: str) -> None:
        file = self.text(at, name)
        if file is None:
            return
        where = self._draft.where((*at, "file"))
        try:
            read = read_json(file.text)
        except JsonFault as fault:
            self.found.append(problem("NF311", f'"{name}" is no JSON: {fault}', where, at=at))
            return
        if isinstance(read, dict):
            self.schemas[at] = read
            return
        message = f'"{name}" holds no JSON Schema: expected an object, found {json.dumps(read)[:40]}'
        self.found.append(problem("NF316", message, where, at=at))
