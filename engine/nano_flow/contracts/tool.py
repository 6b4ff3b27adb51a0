"""What every tool has to keep: subclass ``ToolContract``, say how one is made and one call that works."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

import pytest

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json
from nano_flow.core.shown.event_json import json_text
from nano_flow.ports import Tool


class ToolContract(ABC):
    """Inherit it in a class whose name begins with ``Test``; ``bad`` are arguments that fit the schema and fail."""

    good: Mapping[str, Json] = {}
    bad: Mapping[str, Json] | None = None

    @abstractmethod
    def tool(self, folder: Path) -> Tool:
        """The tool, at work in ``folder``."""

    def test_it_is_named_and_described_for_models(self, tmp_path: Path) -> None:
        spec = self.tool(tmp_path).spec
        assert spec.name.replace("_", "a").replace("-", "a").replace(".", "a").isalnum()
        assert spec.description
        assert spec.parameters.get("type") == "object"
        json_text(dict(spec.parameters))

    def test_a_call_gives_json(self, tmp_path: Path) -> None:
        json_text({"result": asyncio.run(self.tool(tmp_path).call(self.good))})

    def test_it_says_whether_it_may_be_repeated_and_what_it_changes(self, tmp_path: Path) -> None:
        tool = self.tool(tmp_path)
        changes = tool.writes(self.good)
        assert tool.repeatable is True or tool.repeatable is False
        assert changes is None or (isinstance(changes, str) and changes)

    def test_what_cannot_be_done_is_a_step_error(self, tmp_path: Path) -> None:
        if self.bad is None:
            pytest.skip("nothing that fits the schema fails")
        with pytest.raises(StepError):
            asyncio.run(self.tool(tmp_path).call(self.bad))
