"""What every cache of replies has to keep: subclass ``CacheContract`` and say how one is opened."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path

from nano_flow.core.messages import ChatReply, Message, ToolCall, Usage
from nano_flow.core.money import Money
from nano_flow.ports import Cache
from nano_flow.ports.cache import CacheQuestion

_QUESTION = CacheQuestion(("k2", "k1"), "openai/gpt-5", (Message("user", "née ☃?"),), 1000.0)
_REPLY = ChatReply("fine ☃ \ud800", "stop", Usage(3, 4, 5, 6, 7), model="gpt-5", provider_data={"id": [1, None]})


class CacheContract(ABC):
    """Inherit it in a class whose name begins with ``Test``. ``cache`` called twice for a folder opens one cache."""

    @abstractmethod
    def cache(self, folder: Path) -> Cache:
        """The cache of ``folder``."""

    def found(
        self, folder: Path, kept: CacheQuestion, asked: CacheQuestion, reply: ChatReply = _REPLY
    ) -> tuple[ChatReply, Money] | None:
        """What a second run finds where a first one kept ``reply``."""

        async def run() -> tuple[ChatReply, Money] | None:
            first = self.cache(folder)
            await first.keep(kept, reply, Money(2**53 + 1))
            await first.close()
            second = self.cache(folder)
            hit = await second.find(asked)
            await second.close()
            return hit

        return asyncio.run(run())

    def test_a_kept_reply_comes_back_whole_with_its_cost(self, tmp_path: Path) -> None:
        assert self.found(tmp_path, _QUESTION, _QUESTION) == (_REPLY, 2**53 + 1)

    def test_an_older_key_of_the_question_still_finds_it(self, tmp_path: Path) -> None:
        assert self.found(tmp_path, replace(_QUESTION, keys=("k1",)), _QUESTION) == (_REPLY, 2**53 + 1)

    def test_another_question_misses(self, tmp_path: Path) -> None:
        assert self.found(tmp_path, _QUESTION, replace(_QUESTION, keys=("other",), messages=())) is None

    def test_a_reply_whose_time_is_over_misses(self, tmp_path: Path) -> None:
        kept = replace(_QUESTION, ttl_s=60.0)
        assert self.found(tmp_path, kept, replace(_QUESTION, now=1059.0)) is not None
        assert self.found(tmp_path, kept, replace(_QUESTION, now=1060.0)) is None

    def test_what_is_not_whole_is_not_kept(self, tmp_path: Path) -> None:
        cut = replace(_REPLY, finish_reason="length")
        assert self.found(tmp_path, _QUESTION, _QUESTION, cut) is None
        silent = replace(_REPLY, text=" ", tool_calls=())
        assert self.found(tmp_path, _QUESTION, _QUESTION, silent) is None

    def test_a_reply_that_only_calls_tools_is_kept(self, tmp_path: Path) -> None:
        reply = ChatReply("", "tool_calls", Usage(), (ToolCall("1", "read_file", "{}"),))
        assert self.found(tmp_path, _QUESTION, _QUESTION, reply) == (reply, 2**53 + 1)

    def test_a_later_reply_takes_the_place_of_an_earlier_one(self, tmp_path: Path) -> None:
        self.found(tmp_path, _QUESTION, _QUESTION)
        later = replace(_REPLY, text="new")
        assert self.found(tmp_path, _QUESTION, _QUESTION, later) == (later, 2**53 + 1)
