"""Who asks a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from nano_flow.core.events import ApprovalAnswered
from nano_flow.core.messages import Json


class Approver(Protocol):
    """Asks a person; a terminal, a dashboard, a store that someone answers in."""

    async def ask(
        self, address: str, message: str, options: Sequence[str], input_schema: Mapping[str, Json] | None
    ) -> ApprovalAnswered | None:
        """The answer, or None where nobody is there to ask: the run then saves itself and waits."""
