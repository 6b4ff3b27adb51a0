"""How models have answered, folded from events."""

from __future__ import annotations

from dataclasses import replace

from nano_flow.core.events import CacheHit, CallFailed, RouteDecided
from nano_flow.core.messages import ChatReply, Usage
from nano_flow.core.money import Money
from nano_flow.views.health import health_of, quantile
from tests.stores.samples import finished

REPLY = ChatReply("x", "stop", Usage(10, output_tokens=5))


def answered(at: float, model: str = "openai/gpt-5", seconds: float = 1.0, first: float | None = None) -> object:
    return replace(finished(), at=at, model=model, duration_s=seconds, first_token_s=first, reply=REPLY)


def test_errors_times_and_rates_stand_by_provider_and_model() -> None:
    events = [
        answered(60.0, seconds=1.0, first=0.2),
        answered(61.0, seconds=3.0, first=0.4),
        answered(3700.0, "openai/gpt-5-nano", 0.5),
        CallFailed(62.0, "a", 0, 0, "openai/gpt-5", "rate_limit", "slow down", 0.1),
        CacheHit(63.0, "a", 0, "openai/gpt-5", "auto", "f", REPLY, Money(1)),
        RouteDecided(
            64.0, "a", 0, "auto", 1.0, "simple", {"refused": [{"model": "openai/gpt-5", "kind": "cooling"}, "x"]}
        ),
    ]
    (openai,) = health_of(events, by_model=False)  # type: ignore[arg-type]
    assert (openai.calls, openai.answered, openai.failed, openai.cached) == (4, 3, 1, 1)
    told = openai.as_json()
    assert told["errors"] == {"rate_limit": 1}
    assert told["first_token_s"] == {"p50": 0.2, "p95": 0.4, "max": 0.4}
    assert told["calls_per_minute"] == {"mean": 2.0, "peak": 3}
    assert told["tokens_per_minute"] == {"mean": 22.5, "peak": 30}
    hours = told["hours"]
    assert isinstance(hours, list)
    assert hours[0] == {
        "from": "1970-01-01T00:00:00.000Z",
        "answered": 2,
        "errors": {"rate_limit": 1},
        "cooling": 1,
    }
    names = [row.name for row in health_of(events, by_model=True)]  # type: ignore[arg-type]
    assert names == ["openai/gpt-5", "openai/gpt-5-nano"]


def test_what_lies_before_the_window_does_not_count() -> None:
    assert health_of([answered(5.0)], by_model=False, since=6.0) == []  # type: ignore[list-item]


def test_quantiles_of_nothing_are_unknown() -> None:
    assert quantile([], 0.5) is None
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([1.0] * 99 + [9.0], 0.95) == 1.0
