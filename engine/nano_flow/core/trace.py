"""Where a run stands in a distributed trace: W3C trace contexts, with ids derived from the names of what is done.

Derived ids let a command, a server or an HTTP tool be told its parent before any exporter has made the span, and let
a run that goes on name the span of the life before.
Source of the form: W3C Trace Context, level 1 (``traceparent``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass

from nano_flow.core.messages import Json

_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """One span: ``trace_id`` is 32 hexadecimal digits, ``span_id`` 16, neither of them all zeros."""

    trace_id: str
    span_id: str
    sampled: bool = True

    @classmethod
    def parse(cls, text: str) -> TraceContext | None:
        """A ``traceparent``; None where the text is none, as the specification asks."""
        found = _FORM.fullmatch(text.strip())
        if found is None or not int(found[1], 16) or not int(found[2], 16):
            return None
        return cls(found[1], found[2], bool(int(found[3], 16) & 1))

    @property
    def traceparent(self) -> str:
        """The form in which it is handed on."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"

    def child(self, name: str) -> TraceContext:
        """The span of what is done under ``name`` inside this one; the same name gives the same span."""
        return TraceContext(self.trace_id, _digits(f"{self.trace_id}/{self.span_id}/{name}", 16), self.sampled)


@dataclass(frozen=True, slots=True)
class RunTrace:
    """The trace of one life of a run: its own span, who called, and the life that it continues."""

    root: TraceContext
    parent: TraceContext | None = None
    continues: TraceContext | None = None

    @classmethod
    def begin(cls, run_id: str, started_at: float, given: str = "", earlier: str = "") -> RunTrace:
        """``given`` is the TRACEPARENT in force, ``earlier`` the last life's; either may be empty or no context."""
        parent, before = TraceContext.parse(given), TraceContext.parse(earlier)
        above = parent or before
        trace_id = above.trace_id if above else _digits(f"run/{run_id}", 32)
        root = TraceContext(trace_id, _digits(f"{run_id}/{started_at!r}", 16), above.sampled if above else True)
        return cls(root, parent, before)

    def to_json(self) -> dict[str, Json]:
        """As ``RunStarted.trace`` keeps it."""
        told: dict[str, Json] = {"traceparent": self.root.traceparent}
        if self.parent is not None:
            told["parent"] = self.parent.traceparent
        if self.continues is not None:
            told["continues"] = self.continues.traceparent
        return told

    @classmethod
    def from_json(cls, told: Mapping[str, Json]) -> RunTrace | None:
        """What ``to_json`` wrote; None for an event that holds no trace."""
        root = TraceContext.parse(str(told.get("traceparent", "")))
        if root is None:
            return None
        parent, before = (TraceContext.parse(str(told.get(name, ""))) for name in ("parent", "continues"))
        return cls(root, parent, before)


_ROOT: ContextVar[TraceContext | None] = ContextVar("root", default=None)
_HERE: ContextVar[TraceContext | None] = ContextVar("here", default=None)


def hand_on(root: TraceContext | None) -> None:
    """From here on, what this task and its children start is told where it stands; None: it is not."""
    _ROOT.set(root)
    _HERE.set(root)


def enter(address: str) -> None:
    """The current task does the step at ``address`` now."""
    root = _ROOT.get()
    if root is not None:
        _HERE.set(root.child(address))


def here() -> str:
    """The ``traceparent`` for what is started now; empty where nobody asked for traces."""
    found = _HERE.get()
    return "" if found is None else found.traceparent


def with_trace(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that is started now; one that names a TRACEPARENT keeps its own."""
    found = here()
    return {"TRACEPARENT": found, **environ} if found else dict(environ)


def _digits(text: str, count: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:count]
