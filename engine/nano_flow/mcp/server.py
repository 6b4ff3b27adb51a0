"""The MCP server: which tools and resources there are, and who does what each asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import mcp_types as types
from mcp.server import Server
from mcp.server.context import ServerRequestContext
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError

import nano_flow
from nano_flow.core.errors import NanoFlowError
from nano_flow.core.messages import Json
from nano_flow.mcp.agent import AGENT, call_agent
from nano_flow.mcp.calls import Call, Host, call_workflow
from nano_flow.mcp.managing import MANAGING, Managing
from nano_flow.mcp.offer import Offer
from nano_flow.mcp.resources import TEMPLATE, list_resources, read_run
from nano_flow.mcp.results import failed
from nano_flow.mcp.running import Runner

Context: TypeAlias = ServerRequestContext[dict[str, object]]
Result: TypeAlias = types.CallToolResult | types.InputRequiredResult

_INSTRUCTIONS = (
    "Runs reviewed agent workflows. Calls are bounded by a budget of dollars. Work that takes longer than a minute: "
    "start_run, then get_run until it has ended. A run that waits for a person says what it asks."
)


@dataclass(frozen=True, slots=True)
class Desk:
    """Takes the requests of hosts; ``by`` names a host in answers and in the books."""

    offer: Offer
    runner: Runner
    managing: Managing

    async def list_tools(self, ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        """Workflows first, then the agent, then what manages runs."""
        tools = [
            types.Tool(
                name=workflow.name,
                description=workflow.description,
                input_schema=dict(workflow.input_schema),
                output_schema=None if workflow.output_schema is None else dict(workflow.output_schema),
            )
            for workflow in self.offer.workflows.values()
        ]
        managing = [tool for right, tool in MANAGING if right is None or right in self.offer.allow]
        return types.ListToolsResult(tools=[*tools, AGENT, *managing])

    async def call_tool(self, ctx: Context, params: types.CallToolRequestParams) -> Result:
        """One call; what goes wrong in it is told in its result, so that the model can read it."""
        call = Call(self.offer, self.runner, Host.of(ctx), params.input_responses, params.request_state)
        arguments: Mapping[str, Json] = params.arguments or {}
        try:
            if params.name in self.offer.workflows:
                return await call_workflow(call, self.offer.workflows[params.name], arguments)
            if params.name == AGENT.name:
                return await call_agent(call, arguments)
            known = {tool.name: right for right, tool in MANAGING}
            if params.name not in known or not (known[params.name] is None or known[params.name] in self.offer.allow):
                raise MCPError(types.INVALID_PARAMS, f'there is no tool "{params.name}"')
            return await self.managing.call(call, params.name, arguments)
        except NanoFlowError as error:
            return failed(str(error))

    async def list_resources(
        self, ctx: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        """The latest runs."""
        return types.ListResourcesResult(resources=list_resources(self.offer))

    async def list_templates(
        self, ctx: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        """How any other run is named."""
        return types.ListResourceTemplatesResult(resource_templates=[TEMPLATE])

    async def read_resource(self, ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        """One run as ``nano-flow/run@1``."""
        try:
            return types.ReadResourceResult(contents=[read_run(self.offer, params.uri)])
        except NanoFlowError as error:
            raise MCPError(types.INVALID_PARAMS, str(error)) from None


def build_server(offer: Offer) -> Server[dict[str, object]]:
    """A server for any transport; runs that live in it are paused when its lifespan ends."""
    runner = Runner(offer)
    desk = Desk(offer, runner, Managing(offer, runner))

    @asynccontextmanager
    async def lifespan(_: Server[dict[str, object]]) -> AsyncIterator[dict[str, object]]:
        try:
            yield {}
        finally:
            await runner.close()

    server: Server[dict[str, object]] = Server(
        "nano-flow",
        version=nano_flow.__version__,
        title="nano-flow",
        instructions=_INSTRUCTIONS,
        lifespan=lifespan,
        on_list_tools=desk.list_tools,
        on_call_tool=desk.call_tool,
        on_list_resources=desk.list_resources,
        on_list_resource_templates=desk.list_templates,
        on_read_resource=desk.read_resource,
    )
    # What a host hands back of a question's state is sealed: it names a run and nothing else may.
    server.middleware.append(RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience="nano-flow"))
    return server
