"""Both ways to a provider: every test of a misbehaving or recorded server runs through LiteLLM and directly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.providers import replay

BOTH_WAYS = ("test_misbehaving", "test_misbehaving_streams", "test_recorded", "test_litellm", "test_reasoning")
"""Modules whose tests run through both."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.module.__name__.rpartition(".")[2] in BOTH_WAYS:
        metafunc.parametrize("way", ["litellm", "direct"], indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What only LiteLLM reaches is asked through LiteLLM."""
    items[:] = [item for item in items if not _only_by_litellm(item)]


def _only_by_litellm(item: pytest.Item) -> bool:
    given = getattr(getattr(item, "callspec", None), "params", {})
    if given.get("way") != "direct":
        return False
    exchange = given.get("exchange") or given.get("name")
    service = replay.service_of(exchange)
    return service is not None and service not in replay.DIRECT


@pytest.fixture(autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """How providers are reached in this test."""
    chosen: str = getattr(request, "param", "litellm")
    monkeypatch.setattr(replay, "WAY", chosen)
    yield chosen
