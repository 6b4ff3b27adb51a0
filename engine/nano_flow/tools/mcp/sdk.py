"""The MCP SDK, imported when the first server is started; it is an extra that not everybody installs."""

from __future__ import annotations

import logging
from importlib.util import find_spec

from pydantic import ValidationError

from nano_flow.core.errors import StepError

INSTALL = 'pip install "nano-flow[mcp]"'


def require_sdk(server: str) -> None:
    """StepError that says what to install where the SDK, version 2, is not there."""
    if find_spec("mcp") is None or find_spec("mcp_types") is None:
        raise StepError("tool", f'the MCP server "{server}" needs the MCP SDK, version 2: {INSTALL}')
    # What the SDK would print about a server's mistakes is told in the errors of its calls.
    for name in ("mcp", "httpx2"):
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
            logger.propagate = False


def root_cause(error: BaseException) -> str:
    """What went wrong inside the groups that the SDK's tasks raise."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return f"what it answered is no {error.title}: {place}: {first['msg'][:1].lower()}{first['msg'][1:]}"[:500]
    return str(error).strip().splitlines()[0][:500] if str(error).strip() else type(error).__name__
