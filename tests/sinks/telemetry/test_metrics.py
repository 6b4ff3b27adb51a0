"""Events as metrics: what is counted, and how many series there may be."""

from __future__ import annotations

import shutil
import subprocess

import prometheus_client
import pytest

from nano_flow.core.events import CacheHit
from nano_flow.core.money import Money
from nano_flow.sinks.telemetry.metrics import Metrics, MetricsSink
from tests.sinks.telemetry.story import REPLY, call, story


def told(metrics: Metrics) -> str:
    return prometheus_client.generate_latest(metrics.registry).decode()


def after_the_story() -> Metrics:
    metrics = Metrics()
    sink = MetricsSink(metrics)
    for event in story():
        sink.handle(event)
    sink.close()
    return metrics


def test_calls_tokens_and_dollars() -> None:
    value = after_the_story().registry.get_sample_value
    where = {"provider": "openai", "model": "gpt-5-mini"}
    assert value("nano_flow_calls_total", {**where, "outcome": "answered"}) == 2
    assert value("nano_flow_calls_total", {**where, "outcome": "failed"}) == 1
    assert value("nano_flow_call_errors_total", {"provider": "openai", "class": "rate_limit"}) == 1
    assert value("nano_flow_tokens_total", {**where, "kind": "input"}) == 24
    assert value("nano_flow_cost_usd_total", where) == pytest.approx(237e-9)
    assert value("nano_flow_workflow_cost_usd_total", {"workflow": "review"}) == pytest.approx(237e-9)
    assert value("nano_flow_call_duration_seconds_count", {"provider": "openai"}) == 2
    assert value("nano_flow_first_token_seconds_sum", {"provider": "openai"}) == pytest.approx(0.4)
    assert value("nano_flow_runs_total", {"workflow": "review", "status": "succeeded"}) == 1
    assert value("nano_flow_steps_total", {"kind": "prompt", "status": "failed"}) == 1
    assert value("nano_flow_steps_total", {"kind": "approve", "status": "skipped"}) == 1


def test_a_kept_reply_is_saved_money_not_spent() -> None:
    metrics = Metrics()
    metrics.apply("r", CacheHit(1.0, "a", 0, "openai/gpt-5", "auto", "f", REPLY, Money(500)))
    assert metrics.registry.get_sample_value("nano_flow_saved_usd_total") == pytest.approx(5e-7)
    assert (
        metrics.registry.get_sample_value("nano_flow_cost_usd_total", {"provider": "openai", "model": "gpt-5"}) is None
    )


def test_ten_thousand_model_names_stay_under_a_thousand_series() -> None:
    metrics = Metrics()
    for number in range(10_000):
        for event in call(f"a[{number}]", 1.0, f"p{number % 300}/model-{number}"):
            metrics.apply("r", event)
    lines = [line for line in told(metrics).splitlines() if not line.startswith("#")]
    assert len(lines) <= 1_000
    answered = [line for line in lines if line.startswith("nano_flow_calls_total")]
    assert sum(float(line.rsplit(" ", 1)[1]) for line in answered) == 10_000
    assert any('model="other"' in line for line in answered)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_finds_nothing_to_say() -> None:
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=told(after_the_story()), capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
