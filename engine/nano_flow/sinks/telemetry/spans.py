"""A run as a tree of spans: the workflow, its steps, its model calls, its tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON as ALWAYS
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, TraceFlags

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
_AGENT, _WORKFLOW = "prompt", "workflow"
_MARKS = (
    happened.StepRetried,
    happened.StepSkipped,
    happened.ApprovalAsked,
    happened.ApprovalAnswered,
    happened.WaitStarted,
    happened.BudgetWarned,
)
"""What has no duration of its own."""


class _DerivedIds(IdGenerator):
    """Gives the id that was set for the next span."""

    def __init__(self) -> None:
        self.next = TraceContext("0" * 31 + "1", "0" * 15 + "1")

    def generate_span_id(self) -> int:
        return int(self.next.span_id, 16)

    def generate_trace_id(self) -> int:
        return int(self.next.trace_id, 16)


class SpanSink:
    """Folds events into spans, which end up at ``processor``; ``content`` lets prompts, replies and results out."""

    def __init__(self, processor: SpanProcessor, *, content: bool = False, sampler: Sampler | None = None) -> None:
        self._ids = _DerivedIds()
        self._provider = TracerProvider(
            sampler=sampler or ParentBased(ALWAYS),
            resource=Resource.create({"service.name": "nano-flow"}),
            id_generator=self._ids,
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_span_attribute_length=16_384),
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("nano_flow")
        self._content = content
        self._root = self._ids.next
        self._spans: dict[Key, Span] = {}
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
        for span in reversed(list(self._spans.values())):
            span.end()
        self._spans.clear()
        self._provider.shutdown()

    # The tree.

    def _start(
        self, key: Key, name: str, at: float, attributes: Attributes, kind: SpanKind = SpanKind.INTERNAL
    ) -> None:
        above = self._above(str(key[0]))
        # Ids follow from the address alone, so that a command is told the same one (core/trace.py).
        self._ids.next = self._root.child("/".join(map(str, key)))
        context = trace.set_span_in_context(above)
        span = self._tracer.start_span(name, context, kind, attributes, start_time=_nanoseconds(at))
        self._spans[key] = span

    def _above(self, address: str) -> Span:
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
        kind, message = error
        if attributes:
            span.set_attributes(attributes)
        if kind:
            span.set_attribute(names.ERROR, kind)
            # A message may quote what a model said.
            span.set_status(StatusCode.ERROR, message if self._content else None)
        span.end(_nanoseconds(at))

    # Runs and steps.

    def _run_started(self, event: happened.RunStarted) -> None:
        told = RunTrace.from_json(event.trace) or RunTrace.begin(event.run_id, event.at)
        self._ids.next = self._root = told.root
        above = trace.set_span_in_context(_remote(told.parent)) if told.parent else None
        links = [Link(_context(told.continues))] if told.continues else []
        span = self._tracer.start_span(
            f"{names.INVOKE_WORKFLOW} {event.workflow}",
            above,
            SpanKind.INTERNAL,
            started_attributes(event),
            links,
            _nanoseconds(event.at),
        )
        self._spans[()] = span

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
        span.add_event(_snake(type(event).__name__), attributes, _nanoseconds(event.at))

    # Calls and tools.

    def _routed(self, event: happened.RouteDecided) -> None:
        span = self._above(event.address)
        if event.purpose == "agent":
            if event.score is not None:
                span.set_attribute(names.SCORE, event.score)
            if event.tier is not None:
                span.set_attribute(names.TIER, event.tier)

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


def _context(where: TraceContext) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if where.sampled else TraceFlags.DEFAULT)
    return SpanContext(int(where.trace_id, 16), int(where.span_id, 16), is_remote=True, trace_flags=flags)


def _remote(where: TraceContext) -> Span:
    return NonRecordingSpan(_context(where))


def _nanoseconds(at: float) -> int:
    return round(at * 1e9)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
