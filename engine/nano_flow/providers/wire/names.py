"""Names and ids in the letters that every provider takes, and back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MAX_NAME = 64
_STRANGE = re.compile(r"[^A-Za-z0-9_-]")
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
STRICT_IDS = frozenset({"openai", "azure", "anthropic", "bedrock", "huggingface"})
"""LiteLLM ids of providers that refuse ids of calls with other letters, or longer than 40, that another one made."""


@dataclass(frozen=True, slots=True)
class ToolNames:
    """The names of a request's tools on the wire: ``tracker.search`` goes as ``tracker_search``."""

    wire: Mapping[str, str]
    ours: Mapping[str, str]

    @classmethod
    def of(cls, names: Iterable[str]) -> ToolNames:
        """Names in order; two that would become the same are told apart by a number."""
        wire: dict[str, str] = {}
        ours: dict[str, str] = {}
        for name in names:
            plain = _STRANGE.sub("_", name)[:MAX_NAME] or "_"
            number = 2
            while plain in ours:
                plain = f"{plain[: MAX_NAME - 4]}_{number}"
                number += 1
            wire[name], ours[plain] = plain, name
        return cls(wire, ours)

    def to_wire(self, name: str) -> str:
        """The name to send; a tool of an earlier turn that is gone keeps its plain form."""
        return self.wire.get(name) or _STRANGE.sub("_", name)[:MAX_NAME] or "_"

    def to_ours(self, name: str) -> str:
        """The name that a reply means."""
        return self.ours.get(name, name)


def wire_id(call_id: str, litellm: str) -> str:
    """The id of a tool call as ``litellm`` takes it: verbatim, unless another provider made it and it is refused."""
    if litellm not in STRICT_IDS or _PLAIN_ID.fullmatch(call_id):
        return call_id
    return f"call_{hashlib.sha256(call_id.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
