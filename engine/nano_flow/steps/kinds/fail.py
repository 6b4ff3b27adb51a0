"""``fail``: the end of the run, as failed."""

from __future__ import annotations

from nano_flow.steps.kinds import finish

KIND = finish.KIND
