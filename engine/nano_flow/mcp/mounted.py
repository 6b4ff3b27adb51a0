"""The MCP server inside another: one address of a service, whose gate has asked for the token already."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings

from nano_flow.mcp.offer import Offer, offered
from nano_flow.mcp.server import build_server
from nano_flow.operations.place import Place
from nano_flow.operations.service.inforce import service_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp


@dataclass(frozen=True, slots=True)
class Mounted:
    """An application for one address, and what has to run around it."""

    app: ASGIApp
    manager: StreamableHTTPSessionManager

    def running(self) -> AbstractAsyncContextManager[None]:
        """Enter it once, for as long as requests may come."""
        return self.manager.run()


def mounted(place: Place) -> Mounted:
    """A server of what service.yaml offers. Raises DocumentError, UsageError.

    Names of hosts and origins are checked by the gate around it, which knows the address that it listens on.
    """
    offer = Offer(offered(offered_files(place), place), place.current, place, allow=frozenset({"answer", "run"}))
    server = build_server(offer)
    server.streamable_http_app(transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False))
    return Mounted(StreamableHTTPASGIApp(server.session_manager), server.session_manager)


def offered_files(place: Place) -> list[str]:
    """The workflows that service.yaml marks with ``mcp: true``. Raises DocumentError."""
    service = service_of(place)
    return [str(service.file_of(name)) for name, served in service.workflows.items() if served.mcp]
