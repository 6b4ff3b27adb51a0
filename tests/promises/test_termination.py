"""Promises 7 to 9 and 30: everything has an end that is known before it starts, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nano_flow.core import errors
from nano_flow.core.messages import ChatRequest
from tests.cli.said import Said, start
from tests.gateway.fakes import A, FakeProvider, World, ask, reply

HEAD = "nano_flow: 1\nname: w\n"


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    return Said(capsys)


def test_promise_07_what_repeats_names_its_bound_and_reaches_it(said: Said) -> None:
    Path("w.yaml").write_text(HEAD + "steps: {a: {repeat: {until: 'false'}, run: [ls]}}\n")
    said("validate", "w.yaml", code=3)
    assert "max_iterations" in said.out
    Path("providers.yaml").write_text(
        "nano_flow: 1\nproviders:\n  sim:\n    adapter: sim\n"
        "    script: {a: {turns: [{calls: [{tool: list_directory, with: {path: .}}]}]}}\n"
        "    models: {small: {context_window: 32k, max_output_tokens: 4k, can: [tools]}}\n"
    )
    bounded = {
        "an agent": "prompt: go, model: sim/small, tools: [list_directory], max_turns: 3",
        "a loop": "repeat: {until: 'false', max_iterations: 3}, run: ['true']",
        "a list": "for_each: '[3, 3, 3, 3]', max_items: 3, run: ['true']",
        "a retry": "retry: {max_attempts: 3, delay: 1ms}, run: ['false']",
    }
    said_of_it = {
        "an agent": "max_turns",
        "a loop": "did not hold after 3 iterations",
        "a list": "max_items",
        "a retry": "exit code 1",
    }
    for what, step in bounded.items():
        Path("w.yaml").write_text(f"{HEAD}steps: {{a: {{{step}}}}}\n")
        said("run", "w.yaml", "-q", code=1)
        assert said_of_it[what] in said.out + said.err, what


def test_promise_07_no_two_limits_wait_on_each_other(said: Said) -> None:
    Path("w.yaml").write_text(
        HEAD + "limits: {max_parallel: 1}\nsteps:\n  g:\n    for_each: range(3)\n    max_parallel: 3\n"
        "    steps:\n      inner: {for_each: range(2), max_parallel: 1, run: ['true']}\n"
        "      last: {needs: [inner], run: ['true']}\n"
    )
    said("run", "w.yaml", "-q")


def test_promise_08_retry_after_is_kept_to_up_to_a_maximum() -> None:
    for asked, slept in ((20.0, [20.5]), (61.0, [])):
        world = World()
        world.providers["alpha"] = FakeProvider([errors.RateLimited("slow", retry_after=asked), reply()])
        asyncio.run(world.gateway().call(ask()))
        assert world.clock.slept == slept


def test_promise_08_a_clock_that_is_set_back_ends_no_wait_and_begins_none() -> None:
    world = World(candidates=(A,), limits={"rpm": 1})

    def turned_back(request: ChatRequest) -> None:
        world.clock.now = lambda: 5.0  # type: ignore[method-assign]

    world.providers["alpha"] = FakeProvider([lambda request: (turned_back(request), reply())[1], reply()])
    gateway = world.gateway()
    asyncio.run(gateway.call(ask()))
    asyncio.run(gateway.call(ask(turn=1)))
    assert world.clock.slept == [60.0]


SLEEPER = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(600)"


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def begun(folder: Path) -> tuple[object, int]:
    """A run whose command sleeps, and the command's process."""
    (folder / "w.yaml").write_text(f'{HEAD}steps: {{a: {{run: [{sys.executable}, -c, "{SLEEPER}"]}}}}\n')
    process = start(folder, "run", "w.yaml", "-q", start_new_session=True)
    until(lambda: (folder / "pid").exists() and (folder / "pid").read_text() != "")
    return process, int((folder / "pid").read_text())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are found through /proc")
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_promise_09_a_signal_leaves_a_run_that_goes_on_and_no_process(
    tmp_path: Path, said: Said, name: str, code: int
) -> None:
    process, child = begun(tmp_path)
    process.send_signal(getattr(signal, name))  # type: ignore[attr-defined]
    assert process.wait(60) == code  # type: ignore[attr-defined]
    until(lambda: not lives(child))
    assert said.json("runs", "show", "last")["status"] == "paused"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the next resume ends what survived")
def test_promise_30_commands_die_with_their_owner_however_it_ends(tmp_path: Path, said: Said) -> None:
    process, child = begun(tmp_path)
    os.kill(process.pid, signal.SIGKILL)  # type: ignore[attr-defined]
    process.wait(60)  # type: ignore[attr-defined]
    until(lambda: not lives(child))
    shown = said.json("runs", "show", "last")
    assert (shown["status"], shown["stop"]["reason"]) == ("paused", "crash")


JUDGED = """import json
print(json.dumps([{"a": n, "b": [n] * 20} for n in range(60000)]))
"""
SLOW = "{type: array, uniqueItems: true, items: {anyOf: [{required: [z]}, {required: [y]}, {type: object}]}}"


def test_promise_09_ctrl_c_is_obeyed_while_a_reply_is_judged(tmp_path: Path, said: Said) -> None:
    (tmp_path / "gen.py").write_text(JUDGED)
    (tmp_path / "w.yaml").write_text(
        f"{HEAD}steps:\n  a: {{run: [{sys.executable}, gen.py], output_schema: {SLOW}, max_output: 64M}}\n"
        "  b: {run: [touch, judged], needs: [a]}\n"
    )
    process = start(tmp_path, "run", "w.yaml", "--json=events", start_new_session=True)
    assert process.stdout is not None
    for line in process.stdout:
        if '"tool_called"' in line or "ToolCalled" in line or '"event": "tool' in line:
            break
    else:
        pytest.fail("the command never ended")
    process.send_signal(signal.SIGINT)
    sent = time.monotonic()
    process.stdout.read()
    assert process.wait(60) == 130 and time.monotonic() - sent < 20
    assert not (tmp_path / "judged").exists()
    assert said.json("runs", "show", "last")["status"] == "paused"
