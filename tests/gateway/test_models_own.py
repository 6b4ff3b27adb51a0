"""Limits and times of a model, aliases, balancing, and what becomes of a forced tool call and of a loop's cache."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from nano_flow.core import errors
from nano_flow.core.messages import ChatReply, ChatRequest
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.limits.load import Load
from nano_flow.gateway.limits.pace import Pace
from nano_flow.gateway.route import meant
from nano_flow.gateway.sending.fingerprint import Asked
from nano_flow.gateway.sending.first_piece import in_time
from nano_flow.plan.call_specs import RouteSpec
from nano_flow.plan.catalogue import Catalogue, ModelCard, ProviderCard
from nano_flow.routing.choose import CHOICES
from nano_flow.routing.request import Candidate
from tests.gateway.fakes import A, B, World, ask, reply
from tests.providers.clock import FakeClock


def cards(**own: object) -> Catalogue:
    one = ModelCard(A, 1000, 100, **own)  # type: ignore[arg-type]
    other = ModelCard(B, 1000, 100)
    return Catalogue(
        {
            "alpha": ProviderCard("alpha", "openai", None, models={"one": one}, timeout_s=60.0, in_flight=2),
            "beta": ProviderCard("beta", "openai", None, models={"one": other}, in_flight=2),
        },
        aliases={"fast": ("alpha/one", "beta/one")},
    )


def test_a_model_has_a_timeout_of_its_own() -> None:
    world = World(candidates=(A,))
    world.extra["catalogue"] = cards(timeout_s=5.0)
    asyncio.run(world.gateway().call(ask()))
    assert world.providers["alpha"].seen[0].timeout_s == 5.0


def test_a_model_has_a_pace_of_its_own() -> None:
    world = World(candidates=(A,))
    world.extra["catalogue"] = cards(rpm=1)
    gateway = world.gateway()
    asyncio.run(gateway.call(ask()))
    asyncio.run(gateway.call(ask(turn=1)))
    assert sum(world.clock.slept) >= 60


def test_a_server_that_says_nothing_is_left_early_and_one_that_begins_is_not() -> None:
    clock = FakeClock()

    async def never(listener: Callable[[str], None]) -> ChatReply:
        await asyncio.Event().wait()
        raise AssertionError

    async def speaks(listener: Callable[[str], None]) -> ChatReply:
        listener("he")
        await asyncio.sleep(0)
        await clock.sleep(100)
        return reply("hello")

    with pytest.raises(errors.TimedOut, match=r"alpha/one sent no piece of its reply within 2 s"):
        asyncio.run(in_time(clock, 2.0, A, never, None))
    heard: list[str] = []
    assert asyncio.run(in_time(clock, 2.0, A, speaks, heard.append)).text == "hello"
    assert heard == ["he"]


def test_an_alias_means_a_model_and_what_follows_it() -> None:
    catalogue = cards()
    assert meant(RouteSpec("fast"), catalogue) == RouteSpec("alpha/one", fallback=("beta/one",))
    assert meant(RouteSpec("fast", fallback=False), catalogue) == RouteSpec("alpha/one", fallback=False)
    assert meant(RouteSpec("simple"), catalogue) == RouteSpec("simple")


def test_the_least_busy_comes_first() -> None:
    candidates = (Candidate(A, load=0.5), Candidate(B, load=0.25), Candidate(ModelRef("gamma", "one")))
    assert [str(c.ref) for c in CHOICES["balanced"](candidates)] == ["gamma/one", "beta/one", "alpha/one"]
    assert CHOICES["balanced"](candidates[:1]) == candidates[:1]


def test_load_is_the_share_of_what_a_server_bears() -> None:
    pace = Pace(FakeClock(), rpm=4)
    load = Load(cards(), {"beta": pace})
    with load.taken(A):
        assert load.shares()["alpha"] == 0.5 and load.shares()["alpha/one"] == 1 / 64
        asyncio.run(_one(pace))
        assert load.shares()["beta"] == 0.25
    assert load.shares().get("alpha", 0.0) == 0.0


async def _one(pace: Pace) -> None:
    async with pace.turn(1):
        pass


def test_calls_that_start_together_are_shared_between_equal_servers() -> None:
    world = World()
    world.extra["catalogue"] = cards()

    def route(question: object, circumstances: object) -> object:
        candidates = tuple(Candidate(ref, load=circumstances.load.get(ref.provider, 0.0)) for ref in (A, B))  # type: ignore[attr-defined]
        chosen = CHOICES["balanced"](candidates)
        return replace(world.route(ask(), circumstances), candidates=tuple(c.ref for c in chosen))  # type: ignore[arg-type]

    world.extra["route"] = route

    async def together() -> Counter[str]:
        gateway = world.gateway()
        answers = await asyncio.gather(*(gateway.call(ask(address=f"s[{n}]")) for n in range(8)))
        return Counter(str(answer.model) for answer in answers)

    for name in ("alpha", "beta"):
        provider = world.providers[name]
        plain = provider.complete

        async def slow(
            request: ChatRequest, on_text: Callable[[str], None] | None = None, plain: object = plain
        ) -> ChatReply:
            await asyncio.sleep(0)
            return await plain(request, on_text)  # type: ignore[operator,no-any-return]

        provider.complete = slow  # type: ignore[method-assign]
    assert asyncio.run(together()) == {"alpha/one": 4, "beta/one": 4}


def test_each_iteration_of_a_loop_has_a_kept_reply_of_its_own() -> None:
    first, second = ask(cache_part="iteration 1"), ask(cache_part="iteration 2")
    keys = [Asked(question).cache_keys(A, "", 7) for question in (ask(), first, second)]
    assert len({key[0] for key in keys}) == 3 and len(keys[1]) == 1
    assert Asked(first).fingerprint(first) == Asked(second).fingerprint(second)
