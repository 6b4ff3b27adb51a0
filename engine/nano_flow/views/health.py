"""How models have answered: a fold of events, by provider and by model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil

from nano_flow.core.events import CacheHit, CallFailed, CallFinished, Event, RouteDecided
from nano_flow.core.messages import Json
from nano_flow.core.text import rfc3339

KINDS: tuple[type[Event], ...] = (CallFinished, CallFailed, CacheHit, RouteDecided)
"""The events that tell of it."""

HOUR_S = 3600.0
_MINUTE_S = 60.0


@dataclass(slots=True)
class Health:
    """Calls of one provider, or of one model, between ``first_at`` and ``last_at`` (seconds since 1970)."""

    name: str
    answered: int = 0
    failed: int = 0
    cached: int = 0
    tokens: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    """Durations of answered calls."""
    first_token_s: list[float] = field(default_factory=list)
    by_hour: dict[int, Counter[str]] = field(default_factory=dict)
    """Hours since 1970 → ``answered`` and classes of errors."""
    cooling_by_hour: Counter[int] = field(default_factory=Counter)
    """Hours since 1970 → decisions that passed it over while it cooled down after failures."""
    minutes: Counter[int] = field(default_factory=Counter)
    """Minutes since 1970 → calls."""
    token_minutes: Counter[int] = field(default_factory=Counter)
    simulated: bool = False

    @property
    def calls(self) -> int:
        """Calls that were sent."""
        return self.answered + self.failed

    @property
    def failure_share(self) -> float | None:
        """Failed of all calls; None where none was sent."""
        return self.failed / self.calls if self.calls else None

    def as_json(self) -> dict[str, Json]:
        """The fields of ``nano-flow/health@1``; unknown is null."""
        hours = sorted({*self.by_hour, *self.cooling_by_hour})
        return {
            "name": self.name,
            "simulated": self.simulated,
            "calls": self.calls,
            "answered": self.answered,
            "failed": self.failed,
            "cached": self.cached,
            "errors": dict(self.errors.most_common()),
            "first_token_s": _spread(self.first_token_s),
            "total_s": _spread(self.seconds),
            "calls_per_minute": _rates(self.minutes),
            "tokens_per_minute": _rates(self.token_minutes),
            "hours": [
                {
                    "from": rfc3339(hour * HOUR_S),
                    "answered": self.by_hour.get(hour, Counter())["answered"],
                    "errors": {k: n for k, n in self.by_hour.get(hour, Counter()).items() if k != "answered"},
                    "cooling": self.cooling_by_hour[hour],
                }
                for hour in hours
            ],
        }


def quantile(values: Sequence[float], share: float) -> float | None:
    """The value that ``share`` of ``values`` do not exceed; None where there are none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, ceil(share * len(ordered)) - 1))]


def _spread(values: Sequence[float]) -> Json:
    return None if not values else {"p50": quantile(values, 0.5), "p95": quantile(values, 0.95), "max": max(values)}


def _rates(minutes: Counter[int]) -> Json:
    """The busiest minute, and the mean over minutes in which something happened."""
    if not minutes:
        return None
    return {"mean": round(sum(minutes.values()) / len(minutes), 2), "peak": max(minutes.values())}


def health_of(events: Iterable[Event], *, by_model: bool, since: float = 0.0) -> list[Health]:
    """One row for each provider, or model, that was asked since then; the busiest first."""
    by_provider, models = healths_of(events, since=since)
    return models if by_model else by_provider


def healths_of(events: Iterable[Event], *, since: float = 0.0) -> tuple[list[Health], list[Health]]:
    """A row for each provider, and one for each model, that was asked since then; the busiest first."""
    providers: dict[str, Health] = {}
    models: dict[str, Health] = {}

    def rows(model: str) -> tuple[Health, Health]:
        name = model.partition("/")[0]
        return providers.setdefault(name, Health(name)), models.setdefault(model, Health(model))

    for event in events:
        if event.at >= since:
            for model in _about(event):
                for row in rows(model):
                    _count(row, event)
    return _busiest_first(providers), _busiest_first(models)


def _about(event: Event) -> Sequence[str]:
    """The models that an event tells something of."""
    if isinstance(event, CallFinished | CallFailed | CacheHit):
        return (event.model,)
    return _cooling(event) if isinstance(event, RouteDecided) else ()


def _count(row: Health, event: Event) -> None:
    if isinstance(event, CallFinished | CallFailed):
        _count_call(row, event)
    elif isinstance(event, CacheHit):
        row.cached += 1
    else:
        row.cooling_by_hour[int(event.at // HOUR_S)] += 1


def _busiest_first(rows: dict[str, Health]) -> list[Health]:
    return sorted(rows.values(), key=lambda health: (-health.calls, health.name))


def _count_call(health: Health, event: CallFinished | CallFailed) -> None:
    hour = health.by_hour.setdefault(int(event.at // HOUR_S), Counter())
    health.minutes[int(event.at // _MINUTE_S)] += 1
    if isinstance(event, CallFailed):
        health.failed += 1
        health.errors[event.error] += 1
        hour[event.error] += 1
        health.simulated |= event.simulated
        return
    tokens = event.reply.usage.total
    health.answered += 1
    health.tokens += tokens
    health.token_minutes[int(event.at // _MINUTE_S)] += tokens
    hour["answered"] += 1
    health.seconds.append(event.duration_s)
    if event.first_token_s is not None:
        health.first_token_s.append(event.first_token_s)
    health.simulated |= event.reply.simulated


def _cooling(event: RouteDecided) -> list[str]:
    refused = event.decision.get("refused")
    entries = [entry for entry in refused if isinstance(entry, dict)] if isinstance(refused, list) else []
    return [str(entry.get("model")) for entry in entries if entry.get("kind") == "cooling"]
