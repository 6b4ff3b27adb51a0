"""A cache: ``NANO_FLOW_CACHE=folder:///var/cache/replies`` keeps each reply in a file of its own."""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.parse import urlsplit

from nano_flow.caches.replies import decode_reply, encode_reply, is_whole
from nano_flow.core.messages import ChatReply
from nano_flow.core.money import Money
from nano_flow.ports.cache import CacheQuestion


class FolderCache:
    """Replies by key; what raises here is told once, and the run goes on without a cache."""

    def __init__(self, url: str) -> None:
        self._folder = Path(urlsplit(url).path)
        self._folder.mkdir(parents=True, exist_ok=True)

    async def find(self, question: CacheQuestion) -> tuple[ChatReply, Money] | None:
        """The reply and what it had cost, or None."""
        for key in question.keys:
            path = self._folder / f"{key}.json"
            if path.exists():
                kept = json.loads(path.read_text(encoding="utf-8"))
                if kept["until"] is None or kept["until"] > question.now:
                    return decode_reply(kept["reply"]), Money(kept["cost"])
        return None

    async def keep(self, question: CacheQuestion, reply: ChatReply, cost: Money) -> None:
        """Keep a whole reply."""
        if not is_whole(reply):
            return
        until = None if question.ttl_s is None else question.now + question.ttl_s
        kept = {"reply": encode_reply(reply), "cost": cost, "until": until, "made": time.time()}
        (self._folder / f"{question.keys[0]}.json").write_text(json.dumps(kept), encoding="utf-8")

    async def close(self) -> None:
        """Nothing is held."""
