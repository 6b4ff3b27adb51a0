"""Tools of a test, and the replies that ask for them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nano_flow.core.messages import ChatReply, FinishReason, Json, ToolCall, ToolSpec, Usage

ANYTHING: dict[str, Json] = {"type": "object"}


@dataclass
class FakeTool:
    """Does what ``does`` does, and remembers what it was asked."""

    name: str
    does: Callable[[Mapping[str, Json]], Json] = lambda arguments: "done"
    parameters: Mapping[str, Json] = field(default_factory=lambda: dict(ANYTHING))
    repeatable: bool = False
    key: str | None = None
    asked: list[Mapping[str, Json]] = field(default_factory=list)
    running: int = 0
    most: int = 0

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec(self.name, "", self.parameters)

    def writes(self, arguments: Mapping[str, Json]) -> str | None:
        return None if self.key is None else str(arguments.get(self.key))

    async def call(self, arguments: Mapping[str, Json]) -> Json:
        self.asked.append(arguments)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            for _ in range(3):
                await asyncio.sleep(0)
            return self.does(arguments)
        finally:
            self.running -= 1


def calls(*wanted: tuple[str, Json] | tuple[str, str, str], finish: FinishReason = "tool_calls") -> ChatReply:
    """A reply that calls tools: name and arguments, or id, name and the arguments' text."""
    made = []
    for number, entry in enumerate(wanted):
        if len(entry) == 3:
            made.append(ToolCall(entry[0], entry[1], entry[2]))
        else:
            made.append(ToolCall(f"c{number}", entry[0], json.dumps(entry[1])))
    return ChatReply("", finish, Usage(1, output_tokens=1), tuple(made))
