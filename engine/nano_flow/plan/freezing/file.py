"""The frozen plan of a whole file: limits, tools, inputs and the graph."""

from __future__ import annotations

from collections.abc import Mapping

from nano_flow.core.diagnostics import SourceRange
from nano_flow.core.messages import Json
from nano_flow.core.money import money
from nano_flow.documents.workflow import AllowedTool, CommandTool, McpDocument, McpTool, ToolDocument
from nano_flow.plan.draft import Draft, join
from nano_flow.plan.freezing.digest import plan_digest
from nano_flow.plan.freezing.steps import freeze_steps
from nano_flow.plan.kinds.run import command
from nano_flow.plan.kinds.steps import file_graph
from nano_flow.plan.plan import Plan, PlannedBudget, PlannedInput, PlannedLimits, PlannedToolSource
from nano_flow.plan.reading.confine import digest_of
from nano_flow.plan.reading.mcp_file import FileServer
from nano_flow.plan.reading.workspace import own_workspace

_NOT_SCHEMA = ("secret", "default")


def freeze(draft: Draft) -> Plan:
    """The plan; ``draft`` has no errors."""
    document = draft.document
    graph = file_graph(draft, freeze_steps(draft))
    inputs = {name: _input(draft, name) for name in document.inputs or {}}
    limits = _limits(draft)
    tools = {name: _tool(draft, name, tool) for name, tool in (document.tools or {}).items()}
    env = tuple(document.env or ())
    folder, own = draft.path.rpartition("/")[0] or "/", own_workspace(draft)
    return Plan(
        name=document.name,
        file=draft.source.file,
        digest=plan_digest(document.name, graph, inputs, limits, tools, (env, _workspace_as_written(draft))),
        graph=graph,
        inputs=inputs,
        limits=limits,
        tools=tools,
        env=env,
        workspace=join(folder, document.workspace if isinstance(document.workspace, str) and own is None else "."),
        own_workspace=own,
        description=document.description,
        tags=draft.tags_out,
        keep_prompts=document.record is None or document.record.prompts,
        files={draft.path: digest_of(draft.source.text), **draft.files},
    )


def _workspace_as_written(draft: Draft) -> Json:
    written: Json = draft.source.value(("workspace",)) if draft.document.workspace is not None else "."
    return written


def _input(draft: Draft, name: str) -> PlannedInput:
    at = ("inputs", name)
    written = draft.source.value(at)
    schema: dict[str, Json] = {key: value for key, value in written.items() if key not in _NOT_SCHEMA}
    default = written.get("default")
    optional = "default" in written
    if optional and default is None:
        schema = _nullable(schema)
    return PlannedInput(
        name, schema, required=not optional, default=default, secret=bool(written.get("secret")), where=draft.where(at)
    )


def _nullable(schema: dict[str, Json]) -> dict[str, Json]:
    """``default: null`` makes an input nullable."""
    kinds = schema.get("type")
    made = dict(schema)
    if isinstance(kinds, str):
        made["type"] = [kinds, "null"] if kinds != "null" else kinds
    elif isinstance(kinds, list) and "null" not in kinds:
        made["type"] = [*kinds, "null"]
    if isinstance(options := schema.get("enum"), list) and None not in options:
        made["enum"] = [*options, None]
    return made


def _limits(draft: Draft) -> PlannedLimits:
    document = draft.document.limits
    usual = PlannedLimits()
    if document is None:
        return usual
    ending = document.finally_
    return PlannedLimits(
        budget=_budget(draft),
        timeout_s=document.timeout,
        max_parallel=document.max_parallel,
        steps=document.steps,
        finally_usd=None if ending is None or ending.usd is None else money(ending.usd),
        finally_timeout_s=usual.finally_timeout_s if ending is None or ending.timeout is None else ending.timeout,
        queue_s=usual.queue_s if document.queue is None else document.queue,
    )


def _budget(draft: Draft) -> PlannedBudget:
    limits = draft.document.limits
    document = None if limits is None else limits.budget
    if document is None:
        return PlannedBudget()
    return PlannedBudget(
        usd=None if document.usd is None else money(document.usd),
        tokens=document.tokens,
        warn_at=document.warn_at,
        downgrade_at=document.downgrade_at,
        on_exceed=document.on_exceed,
    )


def _server(draft: Draft, name: str, server: McpDocument, where: SourceRange) -> PlannedToolSource:
    """A server; what the workflow says of it counts before what a host's file says."""
    found = draft.servers.get(name)
    base = FileServer() if found is None else found
    folder = join(draft.path.rpartition("/")[0] or "/", server.file or "").rpartition("/")[0] or "/"
    return PlannedToolSource(
        name,
        "mcp",
        where,
        command=tuple(server.command or base.command),
        url=server.url or base.url,
        env={**base.env, **(server.env or {})},
        headers={**base.headers, **(server.headers or {})},
        timeout_s=base.timeout_s if server.timeout is None else server.timeout,
        disabled=tuple(dict.fromkeys((*base.disabled, *(server.disabled or ())))),
        from_file=found is not None,
        cwd=join(folder, base.cwd) if base.cwd else "",
    )


def _tool(draft: Draft, name: str, tool: ToolDocument) -> PlannedToolSource:
    where = draft.where(("tools", name))
    if isinstance(tool, McpTool):
        return _server(draft, name, tool.mcp, where)
    if isinstance(tool, AllowedTool):
        return PlannedToolSource(name, "allow", where, allow=tuple(tool.allow))
    assert isinstance(tool, CommandTool)
    fields = draft.file_fields[f"tools.{name}"]
    assert isinstance(fields, dict)
    empty: Mapping[str, Json] = {"type": "object", "properties": {}, "additionalProperties": False}
    return PlannedToolSource(
        name,
        "command",
        where,
        description=tool.description,
        parameters=draft.schemas.get(("tools", name, "parameters"), empty),
        run=command(tool, fields, draft.schemas.get(("tools", name, "output_schema"))),
        timeout_s=tool.timeout,
    )
