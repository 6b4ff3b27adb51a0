"""LiteLLM's reports on a call: none of ours, all of whoever else calls it in the same process."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from types import ModuleType, SimpleNamespace

from nano_flow.providers.litellm import load_litellm
from nano_flow.providers.transport.quiet import hush, unreported


def fake_litellm(reports: list[str]) -> ModuleType:
    litellm = ModuleType("litellm")
    vars(litellm)["utils"] = SimpleNamespace(update_response_metadata=reports.append)
    vars(litellm)["_internal_context"] = SimpleNamespace(is_internal_call=ContextVar("internal", default=False))
    return litellm


def test_only_our_calls_go_without_reports() -> None:
    reports: list[str] = []
    litellm = fake_litellm(reports)
    hush(litellm)
    hush(litellm)  # each provider says so when it is made
    internal = litellm._internal_context.is_internal_call

    async def ours() -> None:
        with unreported(litellm):
            assert internal.get()
            await asyncio.sleep(0)
            litellm.utils.update_response_metadata("ours")
        litellm.utils.update_response_metadata("after ours")

    async def theirs() -> None:
        await asyncio.sleep(0)
        assert not internal.get()
        litellm.utils.update_response_metadata("theirs")

    async def both() -> None:
        await asyncio.gather(ours(), theirs())

    asyncio.run(both())
    assert sorted(reports) == ["after ours", "theirs"]


def test_a_version_without_such_reports_is_left_as_it_is() -> None:
    litellm = ModuleType("litellm")
    vars(litellm)["utils"] = SimpleNamespace()
    hush(litellm)
    with unreported(litellm):
        assert vars(litellm.utils) == {}


def test_what_is_hushed_is_still_there() -> None:
    litellm = load_litellm()
    assert callable(litellm.utils.update_response_metadata)
    assert not litellm._internal_context.is_internal_call.get()
