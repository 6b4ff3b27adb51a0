"""The circuit breaker of a run: models and providers that keep failing are left alone for a while (pure)."""

from __future__ import annotations

from dataclasses import dataclass, field

from nano_flow.core.refs import ModelRef

PROVIDER_FAULTS = frozenset({"connection", "credentials", "quota"})
"""Failures that say nothing of the model: they count against its provider too."""
MODEL_FAULTS = frozenset(
    {"rate_limit", "overloaded", "server_error", "timeout", "connection", "credentials", "quota", "model_not_found"}
)
"""Failures that count at all; what the question itself is to blame for does not."""
_NONE: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Breaker:
    failures: int = 0
    until: float = 0.0
    models: set[str] = field(default_factory=set)


class Cooldowns:
    """Opens after ``after`` failures in a row, for ``seconds``; then one more failure opens it again.

    A model that is not there opens its own at once: asking again brings nothing.

    A provider's breaker counts failures that are its own, and all others once at least two of its models fail.
    Times are those of a monotonic clock, given by the caller.
    """

    def __init__(self, after: int = 3, seconds: float = 60.0) -> None:
        self._after = after
        self._seconds = seconds
        self._breakers: dict[str, _Breaker] = {}
        self._open: set[str] = set()
        self._paused: dict[ModelRef, float] = {}

    def pause(self, ref: ModelRef, until: float) -> None:
        """The provider said when it may be asked again: nobody of the run asks ``ref`` before."""
        self._paused[ref] = max(self._paused.get(ref, until), until)

    def paused_for(self, ref: ModelRef, at: float) -> float:
        """Seconds until ``ref`` may be asked again; 0 now."""
        if not self._paused:
            return 0.0
        left = self._paused.get(ref, at) - at
        if left <= 0:
            self._paused.pop(ref, None)
        return max(left, 0.0)

    def failed(self, ref: ModelRef, kind: str, at: float) -> None:
        """A call of ``ref`` failed."""
        if kind not in MODEL_FAULTS:
            return
        self._count(str(ref), at, self._after if kind == "model_not_found" else 1)
        if kind == "model_not_found":
            return  # it says nothing of the provider's other models
        provider = self._breakers.setdefault(ref.provider, _Breaker())
        provider.models.add(ref.model)
        if kind in PROVIDER_FAULTS or len(provider.models) > 1:
            self._count(ref.provider, at, 1)

    def succeeded(self, ref: ModelRef) -> None:
        """A call of ``ref`` was answered: it and its provider are well."""
        if self._breakers:
            for name in (str(ref), ref.provider):
                self._breakers.pop(name, None)
                self._open.discard(name)

    def cooling(self, at: float) -> frozenset[str]:
        """Providers and ``provider/model`` that are left alone now."""
        if not self._open:
            return _NONE
        self._open = {name for name in self._open if self._breakers[name].until > at}
        return frozenset(self._open)

    def is_cooling(self, ref: ModelRef, at: float) -> bool:
        """Whether ``ref`` or its provider is left alone now."""
        return bool(self._open) and not self.cooling(at).isdisjoint((str(ref), ref.provider))

    def next_end(self, at: float) -> float | None:
        """Seconds until the first breaker closes; None where none is open."""
        ends = [self._breakers[name].until - at for name in self.cooling(at)]
        return min(ends, default=None)

    def _count(self, name: str, at: float, failures: int) -> None:
        breaker = self._breakers.setdefault(name, _Breaker())
        breaker.failures += failures
        if breaker.failures >= self._after:
            breaker.until = at + self._seconds
            self._open.add(name)
