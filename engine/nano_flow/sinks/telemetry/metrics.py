"""Events as Prometheus metrics: one fold for a run's own port, for the service and for workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import prometheus_client
from prometheus_client import CollectorRegistry

from nano_flow.core import events as happened
from nano_flow.core.messages import Usage
from nano_flow.sinks.telemetry.series import SERIES_AT_MOST, Series

_NANO = 1_000_000_000
_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_LONG = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0)
_CALL = ("provider", "model")


@dataclass(slots=True)
class _Run:
    """What later events of a run need of its first one."""

    workflow: str
    simulated: bool


class Metrics:
    """What happened since this process looks on, by labels that come from documents alone."""

    def __init__(self, registry: CollectorRegistry | None = None, series_at_most: int = SERIES_AT_MOST) -> None:
        # A series "…_created" beside each counter tells a time that nobody asks for, and doubles their number.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry or CollectorRegistry()
        self.series = series = Series(self.registry, series_at_most)
        self.runs = series.counter("nano_flow_runs", "Lives of runs that ended, by how", ("workflow", "status"))
        self.run_seconds = series.histogram(
            "nano_flow_run_duration_seconds", "Duration of lives of runs", ("status",), _LONG
        )
        self.steps = series.counter("nano_flow_steps", "Executions of steps that ended", ("kind", "status"))
        self.calls = series.counter("nano_flow_calls", "Model calls that ended", (*_CALL, "outcome"))
        self.errors = series.counter("nano_flow_call_errors", "Model calls that failed", ("provider", "class"))
        self.tokens = series.counter("nano_flow_tokens", "Tokens that providers reported", (*_CALL, "kind"))
        self.cost = series.counter("nano_flow_cost_usd", "US dollars known to be spent", _CALL)
        self.spent = series.counter("nano_flow_workflow_cost_usd", "US dollars known to be spent", ("workflow",))
        self.doubt = series.counter("nano_flow_possibly_spent_usd", "US dollars that failed calls may have cost")
        self.saved = series.counter("nano_flow_saved_usd", "US dollars that kept replies saved")
        self.simulated = series.counter("nano_flow_simulated_cost_usd", "Simulated US dollars; nobody is billed")
        self.unpriced = series.counter("nano_flow_unpriced_calls", "Calls whose price is not known", _CALL)
        self.call_seconds = series.histogram(
            "nano_flow_call_duration_seconds", "Duration of answered model calls", ("provider",), _SECONDS
        )
        self.first_token = series.histogram(
            "nano_flow_first_token_seconds", "Time to the first token of a streamed reply", ("provider",), _SECONDS
        )
        self.tools = series.counter("nano_flow_tool_calls", "Tools and commands that ended", ("tool", "outcome"))
        self.questions = series.counter("nano_flow_questions", "Questions that were put to a person")
        self.cooling = series.counter(
            "nano_flow_cooling", "Times that a model was passed over while it cooled down after failures", _CALL
        )
        self.warnings = series.counter("nano_flow_budget_warnings", "Budgets that passed their warning share")
        self._add_gauges(series)
        self._runs: dict[str, _Run] = {}
        self._kinds: dict[tuple[str, str], str] = {}
        self._handlers: dict[type, Callable[..., None]] = {
            happened.RunStarted: self._run_started,
            happened.RunFinished: self._run_finished,
            happened.StepStarted: self._step_started,
            happened.StepFinished: self._step_finished,
            happened.StepFailed: self._step_failed,
            happened.StepSkipped: self._step_skipped,
            happened.RouteDecided: self._route_decided,
            happened.CallFinished: self._call_finished,
            happened.CallFailed: self._call_failed,
            happened.CacheHit: self._cache_hit,
            happened.ToolCalled: self._tool_called,
            happened.ApprovalAsked: self._asked,
            happened.BudgetWarned: self._warned,
        }

    def _add_gauges(self, series: Series) -> None:
        """How a whole store stands; a run's own port shows them empty."""
        self.standing = series.gauge("nano_flow_runs_now", "Runs that have not ended, by how they stand", ("status",))
        self.open_questions = series.gauge("nano_flow_open_questions", "Questions that wait for a person")
        self.budget_spent = series.gauge("nano_flow_budget_spent_usd", "Spent of a budget over runs", ("budget",))
        self.budget_limit = series.gauge("nano_flow_budget_limit_usd", "Amount of a budget over runs", ("budget",))

    def apply(self, run_id: str, event: happened.Event) -> None:
        """Count one event of a run."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(run_id, event)

    def stand(self, statuses: Mapping[str, int], questions: int, budgets: Mapping[str, tuple[float, float]]) -> None:
        """How things stand now: runs by status, open questions, (spent, amount) of each budget in US dollars."""
        for status in ("queued", "running", "paused"):
            self.standing.at(status).set(statuses.get(status, 0))
        self.open_questions.at().set(questions)
        standing = {(name,) for name in budgets}
        self.budget_spent.keep_only(standing)
        self.budget_limit.keep_only(standing)
        for name, (spent, limit) in budgets.items():
            self.budget_spent.at(name).set(spent)
            self.budget_limit.at(name).set(limit)

    def text(self) -> tuple[bytes, str]:
        """What Prometheus reads, and its media type."""
        return prometheus_client.generate_latest(self.registry), prometheus_client.CONTENT_TYPE_LATEST

    def know(self, run_id: str, event: happened.Event) -> None:
        """Remember what later events need of one that happened before the count began."""
        if isinstance(event, happened.RunStarted | happened.StepStarted):
            self.apply(run_id, event)

    def _run_started(self, run_id: str, event: happened.RunStarted) -> None:
        self._runs[run_id] = _Run(event.workflow, event.simulated)

    def _run_finished(self, run_id: str, event: happened.RunFinished) -> None:
        run = self._runs.pop(run_id, _Run("", False))
        self.runs.at(run.workflow, event.status).inc()
        self.run_seconds.at(event.status).observe(event.duration_s)
        for key in [key for key in self._kinds if key[0] == run_id]:
            del self._kinds[key]

    def _step_started(self, run_id: str, event: happened.StepStarted) -> None:
        self._kinds[run_id, event.address] = event.kind

    def _step_finished(self, run_id: str, event: happened.StepFinished) -> None:
        self.steps.at(self._kinds.pop((run_id, event.address), ""), "succeeded").inc()

    def _step_failed(self, run_id: str, event: happened.StepFailed) -> None:
        self.steps.at(self._kinds.pop((run_id, event.address), ""), "failed").inc()

    def _step_skipped(self, run_id: str, event: happened.StepSkipped) -> None:
        self.steps.at(event.kind, "skipped").inc()

    def _route_decided(self, run_id: str, event: happened.RouteDecided) -> None:
        refused = event.decision.get("refused")
        for entry in refused if isinstance(refused, list) else ():
            if isinstance(entry, dict) and entry.get("kind") == "cooling":
                self.cooling.at(*_halves(str(entry.get("model")))).inc()

    def _call_finished(self, run_id: str, event: happened.CallFinished) -> None:
        where = _halves(event.model)
        self.calls.at(*where, "answered").inc()
        self.call_seconds.at(where[0]).observe(event.duration_s)
        if event.first_token_s is not None:
            self.first_token.at(where[0]).observe(event.first_token_s)
        self._count_tokens(where, event.reply.usage)
        if event.cost is None:
            self.unpriced.at(*where).inc()
        else:
            self._count_cost(run_id, where, event.cost / _NANO, event.reply.simulated)

    def _call_failed(self, run_id: str, event: happened.CallFailed) -> None:
        where = _halves(event.model)
        self.calls.at(*where, "failed").inc()
        self.errors.at(where[0], event.error).inc()
        if event.usage is not None:
            self._count_tokens(where, event.usage)
        if event.cost:
            self._count_cost(run_id, where, event.cost / _NANO, event.simulated)
        if event.possibly_spent and not event.simulated:
            self.doubt.at().inc(event.possibly_spent / _NANO)

    def _count_cost(self, run_id: str, where: tuple[str, str], dollars: float, simulated: bool) -> None:
        if simulated:
            self.simulated.at().inc(dollars)
            return
        self.cost.at(*where).inc(dollars)
        run = self._runs.get(run_id)
        self.spent.at(run.workflow if run else "").inc(dollars)

    def _count_tokens(self, where: tuple[str, str], usage: Usage) -> None:
        kinds = {
            "input": usage.input_tokens + usage.audio_input_tokens,
            "cached_input": usage.cached_input_tokens,
            "cache_write": usage.cache_write_tokens + usage.cache_write_1h_tokens,
            "output": usage.output_tokens + usage.audio_output_tokens,
            "reasoning": usage.reasoning_tokens,
        }
        for kind, count in kinds.items():
            if count:
                self.tokens.at(*where, kind).inc(count)

    def _cache_hit(self, run_id: str, event: happened.CacheHit) -> None:
        self.calls.at(*_halves(event.model), "cached").inc()
        self.saved.at().inc(event.saved / _NANO)

    def _tool_called(self, run_id: str, event: happened.ToolCalled) -> None:
        self.tools.at(event.tool, "failed" if event.error else "done").inc()

    def _asked(self, run_id: str, event: happened.ApprovalAsked) -> None:
        self.questions.at().inc()

    def _warned(self, run_id: str, event: happened.BudgetWarned) -> None:
        self.warnings.at().inc()


class MetricsSink:
    """The events of one run, into metrics that may be shared with others."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._run_id = ""

    def handle(self, event: happened.Event) -> None:
        """Count one event."""
        if isinstance(event, happened.RunStarted):
            self._run_id = event.run_id
        self._metrics.apply(self._run_id, event)

    def close(self) -> None:
        """The registry outlives the run, so that the last scrape sees its end."""


def _halves(model: str) -> tuple[str, str]:
    provider, _, name = model.partition("/")
    return provider, name
