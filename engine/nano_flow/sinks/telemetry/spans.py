"""A run as a tree of spans: the workflow, its steps, its model calls, its tools."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.status import Status

from nano_flow.core import events as happened
from nano_flow.core.refs import path_of
from nano_flow.core.shown.event_json import json_text
from nano_flow.core.trace import RunTrace, TraceContext
from nano_flow.sinks.telemetry import names
from nano_flow.sinks.telemetry.attributes import (
    Attributes,
    cached_attributes,
    call_attributes,
    failed_attributes,
    intent_attributes,
    started_attributes,
)

Key: TypeAlias = tuple[str | int, ...]
LONGEST = 16_384
"""Characters of an attribute."""
_AGENT, _WORKFLOW = "prompt", "workflow"
_UNSET = Status(StatusCode.UNSET)
_SCOPE = InstrumentationScope("nano_flow")
_SAMPLED, _NOT_SAMPLED = TraceFlags(TraceFlags.SAMPLED), TraceFlags(TraceFlags.DEFAULT)
_MARKS = (
    happened.StepRetried,
    happened.StepSkipped,
    happened.ApprovalAsked,
    happened.ApprovalAnswered,
    happened.WaitStarted,
    happened.BudgetWarned,
)
"""What has no duration of its own."""


@dataclass(slots=True)
class _Open:
    """A span that has begun."""

    context: SpanContext
    above: SpanContext | None
    name: str
    kind: SpanKind
    start: int
    attributes: Attributes
    links: Sequence[Link] = ()
    events: list[Event] = field(default_factory=list)


class SpanSink:
    """Folds events into spans, which end up at ``processor``; ``content`` lets prompts, replies and results out."""

    def __init__(self, processor: SpanProcessor, *, content: bool = False) -> None:
        self._processor = processor
        self._resource = Resource.create({"service.name": "nano-flow"})
        self._content = content
        self._root = TraceContext("0" * 31 + "1", "0" * 15 + "1")
        self._spans: dict[Key, _Open] = {}
        self._handlers: dict[type, Callable[..., None]] = {
            happened.RunStarted: self._run_started,
            happened.StepStarted: self._step_started,
            happened.StepExpanded: self._step_expanded,
            happened.StepFinished: self._step_finished,
            happened.StepFailed: self._step_failed,
            happened.StepCollected: self._step_collected,
            happened.RouteDecided: self._routed,
            happened.CallIntended: self._call_intended,
            happened.CallFinished: self._call_finished,
            happened.CallFailed: self._call_failed,
            happened.CacheHit: self._cache_hit,
            happened.ToolIntended: self._tool_intended,
            happened.ToolCalled: self._tool_called,
            happened.RunFinished: self._run_finished,
        }
        self._handlers |= dict.fromkeys(_MARKS, self._marked)

    def handle(self, event: happened.Event) -> None:
        """Take one event."""
        handler = self._handlers.get(type(event))
        # A life begins with RunStarted; without its span nothing has a place in the tree.
        if handler is not None and (self._spans or isinstance(event, happened.RunStarted)):
            handler(event)

    def close(self) -> None:
        """End what is open (a run that paused), and hand everything over within a bound."""
        at = time.time_ns()
        for span in reversed(list(self._spans.values())):
            self._hand_over(span, at, _UNSET)
        self._spans.clear()
        self._processor.shutdown()

    # The tree.

    def _start(
        self, key: Key, name: str, at: float, attributes: Attributes, kind: SpanKind = SpanKind.INTERNAL
    ) -> None:
        above = self._above(str(key[0]))
        # Ids follow from the address alone, so that a command is told the same one (core/trace.py).
        context = _context(self._root.child("/".join(map(str, key))), is_remote=False)
        self._spans[key] = _Open(context, above.context, name, kind, _nanoseconds(at), attributes)

    def _above(self, address: str) -> _Open:
        """The innermost open span around ``address``."""
        while address:
            if (found := self._spans.get((address,))) is not None:
                return found
            address = address[: max(address.rfind("["), address.rfind("."), 0)]
        return self._spans[()]

    def _end(
        self, key: Key, at: float, attributes: Attributes | None = None, error: tuple[str, str] = ("", "")
    ) -> None:
        span = self._spans.pop(key, None)
        if span is None:
            return
        if attributes:
            span.attributes |= attributes
        status, (kind, message) = _UNSET, error
        if kind:
            span.attributes[names.ERROR] = kind
            # A message may quote what a model said.
            status = Status(StatusCode.ERROR, message if self._content else None)
        self._hand_over(span, _nanoseconds(at), status)

    def _hand_over(self, span: _Open, at: int, status: Status) -> None:
        """The finished span, made at once: a live span of the SDK costs ten times as much."""
        if not span.context.trace_flags.sampled:
            return
        self._processor.on_end(
            ReadableSpan(
                span.name,
                span.context,
                span.above,
                self._resource,
                _bounded(span.attributes) if self._content else span.attributes,
                span.events,
                span.links,
                span.kind,
                status=status,
                start_time=span.start,
                end_time=at,
                instrumentation_scope=_SCOPE,
            )
        )

    # Runs and steps.

    def _run_started(self, event: happened.RunStarted) -> None:
        told = RunTrace.from_json(event.trace) or RunTrace.begin(event.run_id, event.at)
        self._root = told.root
        self._spans[()] = _Open(
            _context(told.root, is_remote=False),
            _context(told.parent) if told.parent else None,
            f"{names.INVOKE_WORKFLOW} {event.workflow}",
            SpanKind.INTERNAL,
            _nanoseconds(event.at),
            started_attributes(event),
            [Link(_context(told.continues))] if told.continues else [],
        )

    def _step_started(self, event: happened.StepStarted) -> None:
        attributes: Attributes = {names.ADDRESS: event.address, names.KIND: event.kind}
        path = path_of(event.address)
        name = f"step {path}"
        if event.kind == _AGENT:
            name = f"{names.INVOKE_AGENT} {path}"
            attributes |= {names.OPERATION: names.INVOKE_AGENT, names.AGENT: path}
        elif event.kind == _WORKFLOW:
            name = f"{names.INVOKE_WORKFLOW} {path}"
            attributes |= {names.OPERATION: names.INVOKE_WORKFLOW, names.WORKFLOW: path}
        self._start((event.address,), name, event.at, attributes)

    def _step_expanded(self, event: happened.StepExpanded) -> None:
        attributes: Attributes = {names.ADDRESS: event.address, names.KIND: event.over, names.ITEMS: event.count}
        self._start((event.address,), f"{event.over} {path_of(event.address)}", event.at, attributes)

    def _step_finished(self, event: happened.StepFinished) -> None:
        self._end((event.address,), event.at)

    def _step_failed(self, event: happened.StepFailed) -> None:
        self._end((event.address,), event.at, None, (event.error, event.message))

    def _step_collected(self, event: happened.StepCollected) -> None:
        failed = (event.error or "failed", event.message) if event.status == "failed" else ("", "")
        self._end((event.address,), event.at, None, failed)

    def _marked(self, event: happened.StepRetried | happened.StepSkipped | happened.ApprovalAsked) -> None:
        attributes: Attributes = {names.ADDRESS: event.address}
        if isinstance(event, happened.StepSkipped):
            attributes[names.SKIPPED] = event.reason
        if isinstance(event, happened.StepRetried):
            attributes[names.ERROR] = event.error
        span = self._above(event.address)
        span.events.append(Event(_snake(type(event).__name__), attributes, _nanoseconds(event.at)))

    # Calls and tools.

    def _routed(self, event: happened.RouteDecided) -> None:
        span = self._above(event.address)
        if event.purpose == "agent":
            if event.score is not None:
                span.attributes[names.SCORE] = event.score
            if event.tier is not None:
                span.attributes[names.TIER] = event.tier

    def _call_intended(self, event: happened.CallIntended) -> None:
        key = (event.address, event.turn, event.attempt)
        name = f"{names.CHAT} {event.model.partition('/')[2]}"
        self._start(key, name, event.at, intent_attributes(event), SpanKind.CLIENT)

    def _call_finished(self, event: happened.CallFinished) -> None:
        attributes = call_attributes(event)
        if self._content:
            attributes[names.OUTPUT_MESSAGES] = json_text(
                [{"role": "assistant", "parts": [{"type": "text", "content": event.reply.text}]}]
            )
        self._end((event.address, event.turn, event.attempt), event.at, attributes)

    def _call_failed(self, event: happened.CallFailed) -> None:
        key = (event.address, event.turn, event.attempt)
        self._end(key, event.at, failed_attributes(event), (event.error, event.message))

    def _cache_hit(self, event: happened.CacheHit) -> None:
        key = (event.address, event.turn, "cache")
        name = f"{names.CHAT} {event.model.partition('/')[2]}"
        self._start(key, name, event.at, cached_attributes(event), SpanKind.INTERNAL)
        self._end(key, event.at)

    def _tool_intended(self, event: happened.ToolIntended) -> None:
        attributes: Attributes = {
            names.OPERATION: names.EXECUTE_TOOL,
            names.TOOL: event.tool,
            names.TOOL_CALL_ID: event.call,
            names.ADDRESS: event.address,
        }
        if self._content:
            attributes[names.TOOL_ARGUMENTS] = json_text(event.arguments)
        key = (event.address, event.turn, f"tool {event.call}")
        self._start(key, f"{names.EXECUTE_TOOL} {event.tool}", event.at, attributes)

    def _tool_called(self, event: happened.ToolCalled) -> None:
        key = (event.address, event.turn, f"tool {event.call}")
        attributes: Attributes = {names.TOOL_RESULT: json_text(event.result)} if self._content else {}
        self._end(key, event.at, attributes, (event.error_kind or "tool", event.error) if event.error else ("", ""))

    def _run_finished(self, event: happened.RunFinished) -> None:
        attributes: Attributes = {names.RUN_STATUS: event.status}
        if event.stop_reason:
            attributes[names.STOP_REASON] = event.stop_reason
        for key in [key for key in self._spans if key]:
            self._end(key, event.at)
        failed = (event.stop_reason or "failed", event.error or "") if event.status == "failed" else ("", "")
        self._end((), event.at, attributes, failed)


def _context(where: TraceContext, *, is_remote: bool = True) -> SpanContext:
    flags = _SAMPLED if where.sampled else _NOT_SAMPLED
    return SpanContext(int(where.trace_id, 16), int(where.span_id, 16), is_remote=is_remote, trace_flags=flags)


def _bounded(attributes: Attributes) -> Attributes:
    """Content is cut where a receiver would refuse it."""
    return {key: value[:LONGEST] if isinstance(value, str) else value for key, value in attributes.items()}


def _nanoseconds(at: float) -> int:
    return round(at * 1e9)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
