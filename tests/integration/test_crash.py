"""Runs that are killed, interrupted or refused in the middle: nothing recorded is paid twice, nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.said import start

PROVIDERS = """
nano_flow: 1
providers:
  sim:
    adapter: sim
    latency: 20ms
    models:
      small: {context_window: 32k, max_output_tokens: 4k, can: [tools, json_schema, streaming]}
      medium: {context_window: 64k, max_output_tokens: 4k, can: [tools, json_schema, streaming]}
      large: {context_window: 64k, max_output_tokens: 4k, can: [tools, json_schema, streaming]}
"""

WORKFLOW = """
nano_flow: 1
name: crash
limits: {budget: {usd: 1}, max_parallel: 4}
steps:
  first: {prompt: "Begin.", model: sim/small}
  fan:
    for_each: range(12)
    prompt: "Item {{ item }} after {{ steps.first.output }}"
    model: sim/small
  loop:
    repeat: {until: output.n == 4, max_iterations: 6}
    outputs: {n: "{{ iteration }}", text: "{{ steps.turn.output }}"}
    steps:
      turn: {prompt: "Round {{ iteration }}, {{ previous.text if previous else 'start' }}", model: sim/small}
  command: {run: [echo, "{{ steps.first.output }}"]}
  last: {prompt: "End {{ steps.fan.output | length }} {{ steps.loop.output.text }}", model: sim/medium}
outputs: {fan: "{{ steps.fan.output }}", last: "{{ steps.last.output }}", command: "{{ steps.command.output.stdout }}"}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "providers.yaml").write_text(PROVIDERS)
    (tmp_path / "workflow.yaml").write_text(WORKFLOW)
    return tmp_path


def finish(project: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    process = start(project, *arguments)
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    return process.returncode, json.loads(out) if out.strip() else {"stderr": err}


def finished_calls(project: Path) -> list[tuple[str, int]]:
    """Every recorded reply of a provider, by address and turn."""
    with sqlite3.connect(project / ".nano-flow" / "state.db") as db:
        rows = db.execute("SELECT address, body FROM events WHERE kind = 'CallFinished'").fetchall()
    return [(address, json.loads(body)["turn"]) for address, body in rows]


def recorded_count(project: Path) -> int:
    try:
        return len(finished_calls(project))
    except sqlite3.Error:
        return 0


@pytest.mark.parametrize("after", [0, 1, 5, 11, 15, 17])
def test_kill_and_resume_gives_the_same_outputs_and_pays_nothing_twice(project: Path, after: int) -> None:
    whole_code, whole = finish(project, "run", "workflow.yaml", "--json", "--state-dir", "whole")
    assert whole_code == 0
    process = start(project, "run", "workflow.yaml", "--json")
    deadline = time.monotonic() + 30
    while recorded_count(project) < after and process.poll() is None and time.monotonic() < deadline:
        os.sched_yield()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    if recorded_count(project) == 0 and not (project / ".nano-flow" / "state.db").exists():
        return  # killed before there was a run
    code, report = finish(project, "resume", "last", "--json")
    if "stderr" in report:
        assert "succeeded" in report["stderr"] or "no run" in report["stderr"]
        return
    assert code == 0, report
    assert report["outputs"] == whole["outputs"]
    calls = finished_calls(project)
    assert len(calls) == len(set(calls)) == 18


CASCADE = """
nano_flow: 1
tiers: {low: {below: 8, models: [sim/small]}, middle: {below: 9, models: [sim/medium]}, high: {models: [sim/large]}}
cascade:
  tiers: [low, middle, high]
  samples: 3
  signals: [{name: disagreement, feature: agreement, curve: [[0, 8], [1, 0]]}]
  escalate_at: 5
"""


@pytest.mark.parametrize("after", [1, 2, 3, 5, 6])
def test_kill_and_resume_in_a_cascade_draws_no_recorded_sample_again(project: Path, after: int) -> None:
    (project / "routing.yaml").write_text(CASCADE)
    (project / "workflow.yaml").write_text(
        "nano_flow: 1\nname: crash\nlimits: {budget: {usd: 1}}\nsteps:\n  one: {prompt: Begin with the sum.}\n"
        '  two: {prompt: "Go on from {{ steps.one.output }}"}\noutputs: {two: "{{ steps.two.output }}"}\n'
    )
    code, whole = finish(project, "run", "workflow.yaml", "--offline", "--json", "--state-dir", "whole")
    assert code == 0 and [len(step["attempts"]) for step in whole["steps"]] == [7, 7]
    process = start(project, "run", "workflow.yaml", "--offline", "--json")
    deadline = time.monotonic() + 30
    while recorded_count(project) < after and process.poll() is None and time.monotonic() < deadline:
        os.sched_yield()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    code, report = finish(project, "resume", "last", "--json")
    assert code == 0 and report["outputs"] == whole["outputs"], report
    calls = finished_calls(project)
    # By address and turn number, the reply itself comes once from each tier, and so do its samples but for the last's.
    assert sorted(calls.count(call) for call in set(calls)) == [2, 2, 2, 2, 3, 3]


def test_ctrl_c_pauses_and_leaves_no_process(project: Path) -> None:
    marker = f"{os.getpid()}{time.monotonic_ns()}"
    (project / "workflow.yaml").write_text(
        f"nano_flow: 1\nname: sleepy\nsteps:\n  s: {{run: [sh, -c, 'setsid sleep 100 & echo {marker} && sleep 100']}}\n"
        "finally:\n  f: {run: [touch, ended]}\n"
    )
    process = start(project, "run", "workflow.yaml", "--json")
    deadline = time.monotonic() + 30
    while not sleeping(marker) and time.monotonic() < deadline:
        os.sched_yield()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    document = json.loads(out)
    assert (document["status"], document["stop"]["reason"]) == ("paused", "interrupt")
    assert not sleeping(marker)
    assert not (project / "ended").exists()


def test_a_folder_beyond_ascii_under_an_ascii_locale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "größe"
    folder.mkdir()
    (folder / "ж.yaml").write_text("nano_flow: 1\nname: w\nsteps: {a: {set: {n: 1}}}\n")
    monkeypatch.setenv("PYTHONUTF8", "0")
    monkeypatch.setenv("LC_ALL", "C")
    code, report = finish(folder, "run", "ж.yaml", "--json")
    assert (code, report.get("status")) == (0, "succeeded"), report
    code, report = finish(folder, "resume", "last", "--from", "a", "--json")
    assert (code, report.get("status")) == (0, "succeeded"), report


STUBBORN = (
    "nano_flow: 1\nname: stubborn\nsteps:\n"
    "  s: {{run: [sh, -c, 'trap : TERM; setsid sleep {marker} & echo > ready; while :; do sleep 100; done']}}\n"
)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_ends_at_once_and_leaves_no_process(project: Path, number: int, code: int) -> None:
    marker = f"{os.getpid()}{time.monotonic_ns()}"
    (project / "workflow.yaml").write_text(STUBBORN.format(marker=marker))
    process = start(project, "run", "workflow.yaml", "--json")
    deadline = time.monotonic() + 30
    while not (project / "ready").exists() and time.monotonic() < deadline:
        os.sched_yield()
    process.send_signal(number)
    started = time.monotonic()
    while process.poll() is None and time.monotonic() < deadline:
        if time.monotonic() - started > 0.3:
            process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (code, ""), err
    assert "Traceback" not in err
    assert not sleeping(marker)
    code, report = finish(project, "runs", "show", "last", "--json")
    assert (code, report["status"]) == (0, "paused")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_it_loads_ends_it_without_a_trace(project: Path, number: int, code: int) -> None:
    """The import of click is made to wait for the signal."""
    (project / "click.py").write_text("import os, signal\nopen('loading', 'w').close()\nsignal.pause()\n")
    process = start(project, "run", "workflow.yaml")
    deadline = time.monotonic() + 30
    while not (project / "loading").exists() and time.monotonic() < deadline:
        os.sched_yield()
    while process.poll() is None and time.monotonic() < deadline:
        process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (code, "", "")
    assert not (project / ".nano-flow").exists()


def sleeping(marker: str) -> bool:
    """Whether a shell that holds ``marker`` in its command line, or its child, is alive."""
    found = subprocess.run(["pgrep", "-f", marker], capture_output=True, text=True, check=False)
    return bool(found.stdout.strip())


def test_two_resumes_of_one_run(project: Path) -> None:
    process = start(project, "run", "workflow.yaml", "--json")
    while recorded_count(project) < 3:
        os.sched_yield()
    code, _ = finish(project, "resume", "last", "--json")
    process.communicate(timeout=60)
    assert code != 0
    assert process.returncode == 0


def test_a_read_only_store_is_named_before_anything_is_paid(project: Path) -> None:
    (project / "store").write_text("a file where a folder should be")
    code, report = finish(project, "run", "workflow.yaml", "--state-dir", "store")
    assert code in (1, 2)
    assert "store" in report["stderr"]


def test_a_changed_workflow_is_resumed_only_when_accepted(project: Path) -> None:
    text = WORKFLOW.replace("outputs: {fan", "  hold: {approve: {message: Go?}}\noutputs: {fan")
    (project / "workflow.yaml").write_text(text)
    code, report = finish(project, "run", "workflow.yaml", "--json")
    assert (code, report["stop"]["reason"]) == (6, "approval")
    (project / "workflow.yaml").write_text(text.replace("Begin.", "Start."))
    code, report = finish(project, "resume")
    assert code == 2
    assert '"first"' in report["stderr"]
    code, report = finish(project, "resume", "--accept-changes", "--json")
    assert code == 6
