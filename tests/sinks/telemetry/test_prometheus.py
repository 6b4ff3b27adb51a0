"""The real Prometheus scrapes a run's metrics; each query of the dashboard and each alert rule is tried on it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import prometheus_client
import pytest
import yaml

from nano_flow.sinks.telemetry.metrics import Metrics, MetricsSink
from tests.house.tree import ROOT
from tests.sinks.telemetry.story import story

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="prometheus (Debian's package) is not installed"
)
TELEMETRY = ROOT / "docs" / "telemetry"
QUERIES = [
    target["expr"]
    for panel in json.loads((TELEMETRY / "grafana.json").read_text())["panels"]
    for target in panel["targets"]
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def asked(port: int, path: str, **query: str) -> Any:
    """What Prometheus answers; None while it is not there yet."""
    address = f"http://127.0.0.1:{port}{path}?{urllib.parse.urlencode(query)}"
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return json.load(answer)["data"]
    except OSError:
        return None


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Prometheus that has scraped two states of one registry."""
    folder = tmp_path_factory.mktemp("prometheus")
    metrics = Metrics()

    def happen() -> None:
        sink = MetricsSink(metrics)
        for event in story():
            sink.handle(event)
        metrics.stand({"running": 2, "queued": 1}, 3, {"20 USD a day": (19.0, 20.0)})

    happen()
    server, thread = prometheus_client.start_http_server(0, "127.0.0.1", metrics.registry)
    own, scraped = free_port(), server.server_port
    config = folder / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
        f"rule_files: [{TELEMETRY / 'alerts.yaml'}]\n"
        f"scrape_configs: [{{job_name: nano-flow, static_configs: [{{targets: ['127.0.0.1:{scraped}']}}]}}]\n"
    )
    command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
    process = subprocess.Popen(
        [*command, f"--web.listen-address=127.0.0.1:{own}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: asked(own, "/api/v1/query", query="nano_flow_runs_total"))
        happen()
        wait_for(lambda: asked(own, "/api/v1/query", query="increase(nano_flow_runs_total[1m]) > 0"))
        yield own
    finally:
        process.terminate()
        process.wait(20)
        server.shutdown()
        thread.join(5)


def wait_for(ready: Any) -> None:
    """Until Prometheus knows something; a minute at most."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        answer = ready()
        if answer and answer["result"]:
            return
        time.sleep(0.1)
    raise AssertionError("prometheus did not scrape within a minute")


@pytest.mark.parametrize("query", QUERIES)
def test_each_query_of_the_dashboard_has_an_answer(prometheus: int, query: str) -> None:
    answer = asked(prometheus, "/api/v1/query", query=query)
    assert answer is not None
    assert answer["result"] != []


def test_the_rules_are_loaded_and_healthy(prometheus: int) -> None:
    def evaluated() -> list[str]:
        groups = asked(prometheus, "/api/v1/rules")["groups"]
        return [f"{rule['name']}: {rule['health']}" for group in groups for rule in group["rules"]]

    assert len(evaluated()) >= 5
    assert [rule for rule in evaluated() if rule.endswith("err")] == []


def test_promtool_accepts_the_rules() -> None:
    done = subprocess.run(
        ["promtool", "check", "rules", str(Path(TELEMETRY / "alerts.yaml"))], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


CASES = {
    "NanoFlowRunsFail": ('nano_flow_runs_total{status="failed",workflow="w"}', "0x5 1x20", {"workflow": "w"}),
    "NanoFlowProviderFails": (
        'nano_flow_calls_total{outcome="failed",provider="p",model="m"}',
        "0+5x40",
        {"provider": "p"},
    ),
    "NanoFlowBudgetNearItsEnd": ("nano_flow_budget_warnings_total", "0x5 1x20", {}),
    "NanoFlowBudgetSpent": ("nano_flow_budget_spent_usd{budget='b'}", "19.9x40", {"budget": "b"}),
    "NanoFlowCallsWithoutPrice": (
        'nano_flow_unpriced_calls_total{provider="p",model="m"}',
        "0x5 1x20",
        {"provider": "p", "model": "m"},
    ),
    "NanoFlowSlow": ('nano_flow_call_duration_seconds_bucket{provider="p",le="+Inf"}', "0+5x40", {"provider": "p"}),
    "NanoFlowQuestionWaits": ("nano_flow_open_questions", "1x120", {}),
    "NanoFlowQueueStands": ('nano_flow_runs_now{status="queued"}', "2x40", {}),
}
BESIDE = [
    {"series": "nano_flow_budget_limit_usd{budget='b'}", "values": "20x120"},
    {"series": 'nano_flow_calls_total{outcome="answered",provider="p",model="m"}', "values": "0+1x120"},
    {"series": 'nano_flow_call_duration_seconds_bucket{provider="p",le="60.0"}', "values": "0+0x120"},
]
AFTER = {"NanoFlowQuestionWaits": "90m"}


def tried(tmp_path: Path, alert: str, values: str, labels: dict[str, str], fires: bool) -> None:
    """promtool's own unit test of one rule."""
    rules = yaml.safe_load((TELEMETRY / "alerts.yaml").read_text())["groups"][0]["rules"]
    rule = next(rule for rule in rules if rule["alert"] == alert)
    (tmp_path / "rules.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "one", "rules": [{**rule, "annotations": {}}]}]})
    )
    found = {"exp_labels": {**labels, **rule["labels"]}, "exp_annotations": {}}
    test = {
        "interval": "1m",
        "input_series": [{"series": CASES[alert][0], "values": values}, *BESIDE],
        "alert_rule_test": [
            {"eval_time": AFTER.get(alert, "18m"), "alertname": alert, "exp_alerts": [found] if fires else []}
        ],
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": [test]}))
    done = subprocess.run(
        ["promtool", "test", "rules", "test.yaml"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case() -> None:
    rules = yaml.safe_load((TELEMETRY / "alerts.yaml").read_text())["groups"][0]["rules"]
    assert {rule["alert"] for rule in rules} == set(CASES)


@pytest.mark.parametrize("alert", CASES)
def test_an_alert_fires_where_it_should_and_only_there(tmp_path: Path, alert: str) -> None:
    _, values, labels = CASES[alert]
    tried(tmp_path, alert, values, labels, fires=True)
    tried(tmp_path, alert, "0x120", labels, fires=False)
