"""What a command prints is told while it runs: to whoever follows the log, without secrets, each line once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nano_flow.tools.processes import heard
from tests.cli.said import Said, start

FLOW = """
nano_flow: 1
name: slow
env: [TEAM_TOKEN]
steps:
  build:
    run: "echo one; echo token $T >&2; echo half-; until [ -e go ]; do read -rt 0.1 <> <(:) || true; done; printf end"
    env: {T: "{{ env.TEAM_TOKEN }}"}
"""
SECRET = "tok-0123456789-abcdef"


def test_lines_are_seen_before_the_command_ends(tmp_path: Path) -> None:
    (tmp_path / "slow.yaml").write_text(FLOW)
    (tmp_path / ".env").write_text(f"TEAM_TOKEN={SECRET}\n")
    state = {"NANO_FLOW_STATE": str(tmp_path / "state")}
    owner = start(tmp_path, "run", "slow.yaml", env=state)
    assert owner.stderr is not None
    while "started" not in (line := owner.stderr.readline()):
        assert line, "the run did not begin"
    follower = start(tmp_path, "runs", "logs", "last", "-f", env=state)
    assert follower.stdout is not None
    seen = []
    while not seen or "half-" not in seen[-1]:
        seen.append(follower.stdout.readline())
        assert seen[-1], seen
    (tmp_path / "go").touch()
    rest = follower.stdout.read()
    owner.communicate(timeout=60)
    follower.communicate(timeout=60)
    lines = [line.split() for line in ("".join(seen) + rest).splitlines() if line.startswith("  ")]
    assert [line for line in lines if line[0] == "stdout"] == [
        ["stdout", "one"],
        ["stdout", "half-"],
        ["stdout", "end"],
    ]
    assert [line for line in lines if line[0] == "stderr"] == [["stderr", "token", "***"]]
    assert owner.returncode == 0
    stored = b"".join(path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file())
    assert SECRET.encode() not in stored


def test_a_command_that_is_over_at_once_is_told_by_its_result(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("quick.yaml").write_text("nano_flow: 1\nname: q\nsteps: {a: {run: [echo, hi]}}\n")
    said = Said(capsys)
    said("run", "quick.yaml")
    kinds = {event["event"] for event in said.json("runs", "logs")["events"]}
    assert "ToolCalled" in kinds and "CommandPrinted" not in kinds
    assert said("runs", "logs").count("stdout  hi") == 1


def test_what_is_told_is_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import asyncio

    from nano_flow.tools.processes.local import LocalCommands

    monkeypatch.setattr(heard, "_EVERY_S", 0.01)
    told: list[str] = []
    script = "for i in $(seq 20); do head -c 9999 /dev/zero | tr '\\0' x; echo; done; until [ -e go ]; do :; done"

    def tell(stream: str, text: str) -> None:
        told.append(text)
        if sum(map(len, told)) >= 60_000:
            (tmp_path / "go").touch()

    commands = LocalCommands().telling(tell)
    run = commands.run(["bash", "-c", script], env={"PATH": os.environ["PATH"]}, cwd=str(tmp_path))
    result = asyncio.run(run)
    assert 60_000 <= sum(map(len, told)) <= 64 * 1024 and result.stdout.startswith("".join(told))
    assert len(result.stdout) == 200_000 and all(text.endswith("\n") for text in told)
