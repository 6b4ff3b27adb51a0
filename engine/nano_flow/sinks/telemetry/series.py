"""Series of metrics that stay few, whatever models answer and whatever workflows are called."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Generic, TypeVar, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SERIES_AT_MOST = 1_000
OTHER = "other"

M = TypeVar("M", bound=Counter | Gauge | Histogram)


class Series:
    """Admits combinations of labels until ``at_most`` series stand; after that the rest share the label ``other``.

    Histograms cost a series a bucket, and two more.
    """

    def __init__(self, registry: CollectorRegistry, at_most: int = SERIES_AT_MOST) -> None:
        self.registry = registry
        self._left = at_most

    def counter(self, name: str, help_text: str, labels: Sequence[str] = ()) -> Bounded[Counter]:
        """A counter; ``_total`` is added to its name."""
        return Bounded(self, Counter(name, help_text, labels, registry=self.registry), labels, 1)

    def gauge(self, name: str, help_text: str, labels: Sequence[str] = ()) -> Bounded[Gauge]:
        """A value that rises and falls."""
        return Bounded(self, Gauge(name, help_text, labels, registry=self.registry), labels, 1)

    def histogram(
        self, name: str, help_text: str, labels: Sequence[str], buckets: Sequence[float]
    ) -> Bounded[Histogram]:
        """Seconds, by ``buckets``."""
        made = Histogram(name, help_text, labels, registry=self.registry, buckets=buckets)
        return Bounded(self, made, labels, len(buckets) + 3)

    def give_back(self, width: int) -> None:
        """Series that went leave room for others."""
        self._left += width

    def admit(self, width: int) -> bool:
        """True where ``width`` further series may stand."""
        if self._left < width:
            return False
        self._left -= width
        return True


class Bounded(Generic[M]):
    """One metric under the common bound. Its row ``other`` is set aside from the start."""

    def __init__(self, series: Series, metric: M, labels: Sequence[str], width: int) -> None:
        self._series, self._width = series, width
        self._metric: M = metric
        self._names = tuple(labels)
        self._known: dict[tuple[str, ...], M] = {}
        series.admit(width)

    def at(self, *values: str) -> M:
        """The series with these values of the labels, in their order."""
        if not self._names:
            return self._metric
        found = self._known.get(values)
        if found is None:
            admitted = self._series.admit(self._width)
            if not admitted:
                values = (OTHER,) * len(self._names)
            found = self._known.get(values)
            if found is None:
                found = self._known[values] = cast(M, self._metric.labels(*values))
        return found

    def keep_only(self, standing: Collection[tuple[str, ...]]) -> None:
        """Series of what is there no longer go, so that an old value is not read as today's."""
        for values in [values for values in self._known if values not in standing]:
            del self._known[values]
            self._metric.remove(*values)
            if set(values) != {OTHER}:
                self._series.give_back(self._width)
