"""What looks like an oversight in a cascade: samples that nothing compares, a comparison without samples."""

from __future__ import annotations

from collections.abc import Callable

from nano_flow.core.diagnostics import Diagnostic, SourceRange
from nano_flow.documents.routing import CascadeDocument, FeatureSignal

Locate = Callable[[tuple[str | int, ...]], SourceRange]


def cascade_advice(cascade: CascadeDocument, locate: Locate, at: tuple[str, ...] = ("cascade",)) -> list[Diagnostic]:
    """Warnings; ``locate`` gives the range of the value at a path of the routing document, where it stands ``at``."""
    comparing = [
        place
        for place, signal in enumerate(cascade.signals)
        if isinstance(signal, FeatureSignal) and signal.feature == "agreement"
    ]
    samples = cascade.samples or 1
    if samples < 2:
        message = 'nothing is compared with the reply: "agreement" stays unknown and gives no points'
        return [
            _warning(message, locate, (*at, "signals", place, "feature"), "add `samples: 2` to the cascade")
            for place in comparing
        ]
    if not comparing:
        message = f'no signal looks at "agreement": {samples} samples are paid for and none is compared'
        return [_warning(message, locate, (*at, "samples"), "leave it out, or add a signal on `agreement`")]
    return []


def _warning(message: str, locate: Locate, path: tuple[str | int, ...], hint: str) -> Diagnostic:
    return Diagnostic("warning", "NF518", message, locate(path), ".".join(map(str, path)), hint)
