"""The ports at which a worker lets others look at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from nano_flow.operations.placed.probes import Answer, Probes, said


class Watched(Protocol):
    """What a worker says of itself."""

    @property
    def looks(self) -> bool:
        """Whether it goes round."""

    @property
    def takes(self) -> bool:
        """Whether it takes work."""


async def watched(
    worker: Watched,
    host: str,
    health_port: int | None,
    metrics: tuple[int, Callable[[], tuple[bytes, str]]] | None,
    tell: Callable[[str], None],
) -> list[Probes]:
    """Listen where that is wanted; ``metrics`` are a port and what Prometheus reads. UsageError for a taken port."""
    listening: list[Probes] = []
    if health_port is not None:
        health = Probes(
            {
                "/healthz": lambda: said(worker.looks, "it works", "it does not go round: start it anew"),
                "/readyz": lambda: said(worker.takes, "it takes work", "it takes nothing now"),
            }
        )
        tell(f"health: http://{host}:{await health.listen(host, health_port)}/healthz")
        listening.append(health)
    if metrics is not None:
        port, text = metrics

        def counted() -> Answer:
            body, kind = text()
            return 200, kind, body

        probes = Probes({"/metrics": counted})
        tell(f"metrics: http://{host}:{await probes.listen(host, port)}/metrics")
        listening.append(probes)
    return listening
