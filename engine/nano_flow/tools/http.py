"""``http_get``: reads a page of a host that the workflow lists."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from nano_flow.core.errors import OutputLimit, StepError
from nano_flow.core.messages import Json, ToolSpec
from nano_flow.tools.web.fetch import BODY_CAP, Answer, Network, fetch, system_dial, system_resolve
from nano_flow.tools.web.urls import AllowList

DEADLINE_S = 30.0
"""For the whole call, redirects included."""

SYSTEM = Network(system_resolve, system_dial)

_URL: dict[str, Json] = {"type": "string", "description": "An http or https URL of a host that is allowed"}
_PARAMETERS: dict[str, Json] = {
    "type": "object",
    "properties": {"url": _URL},
    "required": ["url"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class HttpGet:
    """GET requests to listed hosts; only public addresses, unless the address itself is listed."""

    allow: tuple[str, ...]
    network: Network = SYSTEM
    deadline_s: float = DEADLINE_S

    @property
    def spec(self) -> ToolSpec:
        """The description names the hosts, so that a model need not guess."""
        hosts = ", ".join(self.allow)
        return ToolSpec("http_get", f"Read a text from the web; allowed hosts: {hosts}", _PARAMETERS)

    @property
    def repeatable(self) -> bool:
        """A GET changes nothing."""
        return True

    def writes(self, arguments: Mapping[str, Json]) -> str | None:
        """Nothing."""
        return None

    async def call(self, arguments: Mapping[str, Json]) -> Json:
        """Status, content type and text. Raises StepError."""
        allowed = AllowList(self.allow)
        try:
            async with asyncio.timeout(self.deadline_s):
                answer = await fetch(str(arguments["url"]), allowed, self.network)
        except TimeoutError:
            raise StepError("tool", f"no whole answer within {self.deadline_s:g} seconds") from None
        result: dict[str, Json] = {
            "status": answer.status,
            "url": answer.url,
            "content_type": answer.headers.get("Content-Type", ""),
            "text": _text(answer),
        }
        if answer.cut:
            raise OutputLimit(f"the answer of {answer.url} is larger than {BODY_CAP:,} bytes", result)
        return result


def _text(answer: Answer) -> str:
    if b"\0" in answer.body[:8_192] or answer.headers.get_content_maintype() in ("image", "audio", "video", "font"):
        kind = answer.headers.get_content_type()
        raise StepError("tool", f"{answer.url} is not text but {kind} ({len(answer.body)} bytes)")
    charset = answer.headers.get_content_charset("utf-8")
    try:
        text = answer.body.decode(charset, errors="replace")
    except (LookupError, ValueError):  # a name that is no encoding of text
        text = answer.body.decode("utf-8", errors="replace")
    return text
