"""The seams of the engine: what an adapter from outside has to offer, one file for each thing that varies."""

from nano_flow.ports.approver import Approver
from nano_flow.ports.cache import Cache
from nano_flow.ports.clock import Clock
from nano_flow.ports.commands import WHOLE, Capture, CommandResult, Commands
from nano_flow.ports.journal import Journal, RecordedWork, RunRecord
from nano_flow.ports.model import ChatProvider
from nano_flow.ports.sink import EventMetrics, EventSink
from nano_flow.ports.tool import ServerOrder, Tool, ToolServer

__all__ = [
    "WHOLE",
    "Approver",
    "Cache",
    "Capture",
    "ChatProvider",
    "Clock",
    "CommandResult",
    "Commands",
    "EventMetrics",
    "EventSink",
    "Journal",
    "RecordedWork",
    "RunRecord",
    "ServerOrder",
    "Tool",
    "ToolServer",
]
