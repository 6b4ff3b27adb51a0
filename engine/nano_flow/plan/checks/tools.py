"""Tools: the names that steps use exist, what reaches outside has an allow-list, and conversations have a beginning."""

from __future__ import annotations

from collections.abc import Iterator

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.messages import Json
from nano_flow.documents.steps import PromptStep, ToolStep
from nano_flow.documents.workflow import AllowedTool, CommandTool, McpTool
from nano_flow.plan.draft import Draft, DraftStep, Path, problem
from nano_flow.plan.names.literals import misfit
from nano_flow.plan.names.nearest import did_you_mean, listed

FILE_TOOLS = ("read_file", "write_file", "edit_file", "list_directory", "get_file_info", "search_files")
ALLOWED_TOOLS = {"run_command": "git, pytest", "http_get": "api.example.com"}
_CHOICES = ("auto", "none", "required")


def check_tools(draft: Draft) -> Iterator[Diagnostic]:
    """Declared tools, and every step that uses tools."""
    for name in draft.document.tools or {}:
        yield from _declared(draft, name)
    for step in draft.steps:
        if isinstance(step.document, PromptStep):
            yield from _prompt(draft, step, step.document)
        elif isinstance(step.document, ToolStep):
            yield from _call(draft, step, step.document)


def _declared(draft: Draft, name: str) -> Iterator[Diagnostic]:
    tool = (draft.document.tools or {})[name]
    at: Path = ("tools", name)
    if isinstance(tool, AllowedTool):
        if name not in ALLOWED_TOOLS:
            message = f'"allow" is for {listed(ALLOWED_TOOLS)}, not for "{name}"'
            yield problem("NF319", message, draft.key(at), at=at, hint=did_you_mean(name, ALLOWED_TOOLS))
        for position, entry in enumerate(tool.allow if name == "http_get" else ()):
            if "/" in entry or " " in entry:
                place = (*at, "allow", position)
                message = f'expected the name of a host, found "{entry}"'
                yield problem("NF330", message, draft.where(place), at=place, hint="write `api.example.com`")
        return
    if name in FILE_TOOLS or name in ALLOWED_TOOLS:
        yield problem("NF319", f'"{name}" is a built-in tool', draft.key(at), at=at, hint="give yours another name")
    if isinstance(tool, McpTool):
        yield from _server(draft, tool, (*at, "mcp"))


def _server(draft: Draft, tool: McpTool, at: Path) -> Iterator[Diagnostic]:
    server = tool.mcp
    if server.server is not None and server.file is None:
        place = (*at, "server")
        yield problem("NF319", '"server" names one of a "file"', draft.key(place), at=place, hint="file: .mcp.json")
    if [server.command, server.url, server.file].count(None) != 2:
        message = 'an MCP server has either a "command" or a "url"'
        message += ', or is one of a "file"' if server.file is not None else ""
        yield problem("NF319", message, draft.key(at), at=at)
    if server.url is not None and not server.url.startswith(("http://", "https://")):
        yield _scheme(draft, server.url, (*at, "url"))


def _scheme(draft: Draft, url: str, at: Path) -> Diagnostic:
    scheme = url.partition(":")[0] if ":" in url else ""
    message = f'expected an http or https address, found "{scheme}:"' if scheme else f'"{url}" is no http address'
    return problem("NF330", message, draft.where(at), at=at, hint="files are read with `read_file`")


def _prompt(draft: Draft, step: DraftStep, document: PromptStep) -> Iterator[Diagnostic]:
    for position, name in enumerate(document.tools or ()):
        yield from _known(draft, name, draft.written(step.number, "tools", position), whole_server=True)
    choice = tool_choice(document)
    if choice not in (None, *_CHOICES, *(document.tools or ())):
        at = draft.written(step.number, "params", "tool_choice")
        message = f'the step has no tool "{choice}"'
        yield problem("NF319", message, draft.where(at), at=at, hint=f"list it under `tools`, or {', '.join(_CHOICES)}")
    if document.conversation is not None:
        yield from _conversation(draft, step, document.conversation)


def tool_choice(document: PromptStep) -> str | None:
    """The word, or the tool, that the step's `tool_choice` says, in whichever form."""
    said = document.params.tool_choice if document.params is not None else None
    return said if said is None or isinstance(said, str) else said.tool


def _known(draft: Draft, name: str, at: Path, *, whole_server: bool) -> Iterator[Diagnostic]:
    declared = draft.document.tools or {}
    if name in FILE_TOOLS:
        return
    if name in ALLOWED_TOOLS:
        if name not in declared:
            message = f'"{name}" needs an allow-list'
            hint = f"add `tools: {{{name}: {{allow: [{ALLOWED_TOOLS[name]}]}}}}`"
            yield problem("NF319", message, draft.where(at), at=at, hint=hint)
        return
    if name not in declared and draft.context.is_installed_tool(name):
        return
    server, dot, _ = name.partition(".")
    tool = declared.get(server)
    if tool is None or (dot and not isinstance(tool, McpTool)):
        names = [*FILE_TOOLS, *ALLOWED_TOOLS, *declared]
        hint = did_you_mean(name, names) or f"declare it under `tools`, or use {listed(names)}"
        yield problem("NF319", f'there is no tool "{name}"', draft.where(at), at=at, hint=hint)
    elif isinstance(tool, McpTool) and not dot and not whole_server:
        message = f'"{name}" is a server, not a tool'
        yield problem("NF319", message, draft.where(at), at=at, hint=f"write `{name}.TOOL`")
    elif isinstance(tool, McpTool) and dot and name.partition(".")[2] in _disabled(draft, server, tool):
        message = f'the tool "{name}" is disabled'
        yield problem("NF319", message, draft.where(at), at=at, hint=f"take it out of `disabled` of `{server}`")


def _disabled(draft: Draft, name: str, tool: McpTool) -> set[str]:
    found = draft.servers.get(name)
    return {*(tool.mcp.disabled or ()), *(found.disabled if found is not None else ())}


def _call(draft: Draft, step: DraftStep, document: ToolStep) -> Iterator[Diagnostic]:
    yield from _known(draft, document.tool, (*step.at, "tool"), whole_server=False)
    given = document.with_ or {}
    url = given.get("url")
    at: Path = (*step.at, "with", "url")
    known_url = url if document.tool == "http_get" and isinstance(url, str) and "{{" not in url[:8] else ""
    if known_url and not known_url.startswith(("http://", "https://")):
        yield _scheme(draft, known_url, at)
    if isinstance((draft.document.tools or {}).get(document.tool), CommandTool):
        yield from _arguments(draft, step, document.tool, given)


def _arguments(draft: Draft, step: DraftStep, tool: str, given: dict[str, Json]) -> Iterator[Diagnostic]:
    schema = draft.schemas.get(("tools", tool, "parameters"), {})
    properties = schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    required = schema.get("required")
    missing = (
        [name for name in required if isinstance(name, str) and name not in given] if isinstance(required, list) else []
    )
    if missing:
        at: Path = (*step.at, "tool")
        yield problem("NF319", f'the tool "{tool}" also wants {listed(missing)}', draft.where(at), at=at)
    fields = draft.fields[step.number].get("with")
    for name, value in (fields if isinstance(fields, dict) else {}).items():
        at = (*step.at, "with", name)
        inner = known.get(name)
        if inner is None and known and schema.get("additionalProperties", False) is False:
            message = f'the tool "{tool}" has no argument "{name}": it has {listed(known)}'
            yield problem("NF319", message, draft.key(at), at=at, hint=did_you_mean(name, known))
        elif isinstance(inner, dict) and (reason := misfit(value, inner)):
            yield problem("NF319", f'the argument "{name}" {reason}', draft.where(at), at=at)


def _conversation(draft: Draft, step: DraftStep, name: str) -> Iterator[Diagnostic]:
    at = draft.written(step.number, "conversation")
    ids = draft.graphs[step.graph].ids
    target = ids.get(name)
    if name == step.id:
        repeats = any(draft.steps[number].document.repeat is not None for number in draft.ancestors(step.number))
        message = f'"{name}" goes on with its own conversation, but nothing repeats it'
        reason = "" if repeats else message
    elif target is None:
        reason = f'there is no step "{name}" beside this one'
    elif not isinstance(draft.steps[target].document, PromptStep):
        reason = f'"{name}" is no prompt and has no conversation'
    else:
        many = draft.steps[target].document.for_each is not None
        reason = f'"{name}" runs once for each item, so there are many conversations' if many else ""
    if reason:
        prompts = [other for other, number in ids.items() if isinstance(draft.steps[number].document, PromptStep)]
        yield problem("NF320", reason, draft.where(at), at=at, hint=did_you_mean(name, set(prompts) - {step.id, name}))
