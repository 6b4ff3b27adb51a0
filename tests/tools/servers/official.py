"""A server made with the SDK; the first argument is how it speaks, the second what it says of ``add``."""

from __future__ import annotations

import os
import sys

from mcp.server.mcpserver import MCPServer
from mcp.types import TextContent, ToolAnnotations
from pydantic import BaseModel

server = MCPServer("official")
DESCRIPTION = sys.argv[2] if len(sys.argv) > 2 else "Adds two numbers"


class Weather(BaseModel):
    city: str
    degrees: float


@server.tool(description=DESCRIPTION, annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int) -> int:
    return a + b


@server.tool()
def weather(city: str) -> Weather:
    """What it is like."""
    return Weather(city=city, degrees=21.5)


@server.tool()
def lines() -> list[TextContent]:
    """Two texts."""
    return [TextContent(type="text", text="one"), TextContent(type="text", text="two")]


@server.tool()
def boom() -> str:
    """Raises."""
    raise ValueError("broken inside")


@server.tool()
def variable(name: str) -> str:
    """A variable of the server's environment."""
    return os.environ.get(name, "unset")


if __name__ == "__main__":
    if sys.argv[1] == "http":
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[3]))
    else:
        server.run("stdio")
