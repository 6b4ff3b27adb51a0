"""Names that installed packages offer: found when they are named, told plainly when they are not there or broken."""

from __future__ import annotations

import asyncio
from importlib import metadata
from pathlib import Path

import pytest

from nano_flow.adapters import named_sinks, open_cache, store_at
from nano_flow.caches.guarded import GuardedCache
from nano_flow.contracts.chooser import CANDIDATES
from nano_flow.core.errors import UsageError
from nano_flow.core.messages import ChatReply, Message, Usage
from nano_flow.core.money import Money
from nano_flow.plugins import installed, load
from nano_flow.ports.cache import CacheQuestion
from nano_flow.pricing.prices import Prices
from nano_flow.routing.choose import _installed as follow
from nano_flow.routing.request import Candidate, Observations

QUESTION = CacheQuestion(("k",), "a/b", (Message("user", "?"),), 1.0)
REPLY = ChatReply("fine", "stop", Usage())


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a package offers, two of it broken."""
    entries = [
        metadata.EntryPoint("good", "json:loads", "nano_flow.tools"),
        metadata.EntryPoint("gone", "nano_flow_is_not_here:x", "nano_flow.tools"),
        metadata.EntryPoint("nameless", "json:nothing_of_that_name", "nano_flow.sinks"),
        metadata.EntryPoint("number", "math:pi", "nano_flow.caches"),
    ]
    monkeypatch.setattr(
        metadata, "entry_points", lambda *, group: metadata.EntryPoints([e for e in entries if e.group == group])
    )


def test_what_is_offered_is_listed_and_loaded_by_its_name(offered: None) -> None:
    assert installed("tools") == ["gone", "good"] and callable(load("tools", "good"))
    assert load("tools", "nobody") is None and installed("choosers") == []


def test_what_cannot_be_loaded_is_told_with_its_place(offered: None) -> None:
    with pytest.raises(UsageError, match=r'"gone" of nano_flow.tools \(nano_flow_is_not_here:x\) cannot be loaded'):
        load("tools", "gone")
    with pytest.raises(UsageError, match="AttributeError"):
        named_sinks({"NANO_FLOW_SINKS": "nameless"})


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("NANO_FLOW_SINKS", "one, two", 'names "one", which no installed package offers: nameless'),
        ("NANO_FLOW_CACHE", "other://x", 'no cache of the kind "other"'),
        ("NANO_FLOW_CACHE", "number://x", 'no cache of the kind "number"'),
        ("NANO_FLOW_STORE", "other://x", 'no store of the kind "other"'),
    ],
)
def test_a_name_that_nobody_offers(offered: None, variable: str, value: str, said: str, tmp_path: Path) -> None:
    environ = {variable: value}
    with pytest.raises(UsageError, match=said):
        if variable == "NANO_FLOW_SINKS":
            named_sinks(environ)
        elif variable == "NANO_FLOW_CACHE":
            open_cache(tmp_path, value, lambda problem: None)
        else:
            store_at(value, tmp_path)


class Broken:
    async def find(self, question: CacheQuestion) -> tuple[ChatReply, Money] | None:
        raise RuntimeError("the server of replies is away")

    async def keep(self, question: CacheQuestion, reply: ChatReply, cost: Money) -> None:
        raise AssertionError("a cache that failed is not asked again")

    async def close(self) -> None:
        raise RuntimeError("still away")


def test_a_cache_that_raises_is_told_once_and_misses_from_then_on() -> None:
    told: list[str] = []

    async def use() -> None:
        cache = GuardedCache(Broken(), "mine", told.append)
        assert await cache.find(QUESTION) is None
        await cache.keep(QUESTION, REPLY, Money(1))
        assert await cache.find(QUESTION) is None
        await cache.close()

    asyncio.run(use())
    assert told == ['the cache "mine" is not used any more: RuntimeError: the server of replies is away']


def test_a_chooser_that_loses_or_repeats_a_candidate_is_not_followed() -> None:
    seen = Observations(Prices({}), 1.0)
    turned = follow(lambda candidates, _: candidates[::-1], seen)
    assert turned(CANDIDATES) == CANDIDATES[::-1] and turned(CANDIDATES[:1]) == CANDIDATES[:1]
    for wrong in (lambda c, _: c[1:], lambda c, _: (*c, c[0]), lambda c, _: (c[0],) * len(c)):
        assert follow(wrong, seen)(CANDIDATES) == CANDIDATES
    assert isinstance(CANDIDATES[0], Candidate)
