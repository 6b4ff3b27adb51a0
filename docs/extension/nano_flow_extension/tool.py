"""A tool: ``tools: [word_count]`` on a prompt step, or ``tool: word_count``."""

from __future__ import annotations

from collections.abc import Mapping

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json, ToolSpec


class WordCount:
    """Counts the words of a text."""

    spec = ToolSpec(
        name="word_count",
        description="Counts the words of a text.",
        parameters={
            "type": "object",
            "properties": {"text": {"type": "string"}},
            "required": ["text"],
            "additionalProperties": False,
        },
    )
    repeatable = True  # it only reads

    def __init__(self, workspace: str, environ: Mapping[str, str]) -> None:
        self.workspace = workspace

    def writes(self, arguments: Mapping[str, Json]) -> str | None:
        """It changes nothing."""
        return None

    async def call(self, arguments: Mapping[str, Json]) -> Json:
        """How many words there are."""
        text = arguments["text"]
        if not isinstance(text, str):
            raise StepError("tool", "word_count wants a text")
        return {"words": len(text.split())}
