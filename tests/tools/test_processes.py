"""Nothing that a command started outlives it, its output is bounded, its input is empty."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from nano_flow.core.errors import StepError
from nano_flow.ports import Capture, CommandResult
from nano_flow.tools.processes import local as processes
from nano_flow.tools.processes.local import LocalCommands

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who descends from whom")
ENV = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
DAEMON = """
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
for fd in range(3): os.close(fd)
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(600)
"""


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-S", "-c", textwrap.dedent(code), *arguments]


def run(argv: list[str], cwd: Path | str = "/", **more: Any) -> CommandResult:
    return asyncio.run(LocalCommands().run(argv, env=more.pop("env", ENV), cwd=str(cwd), **more))


def written(file: Path) -> bool:
    return file.exists() and bool(file.read_text())


def alive(file: Path) -> bool:
    """Whether the process that wrote its number into ``file`` still runs; one that nobody buried does not."""
    state = subprocess.run(["ps", "-o", "state=", "-p", file.read_text()], capture_output=True, text=True).stdout
    return state.strip() not in ("", "Z", "X")


def cancelled_when(file: Path, argv: list[str], folder: Path, commands: LocalCommands | None = None) -> None:
    """Start a command, cancel it as soon as ``file`` is written."""

    async def body() -> None:
        task = asyncio.ensure_future((commands or LocalCommands()).run(argv, env=ENV, cwd=str(folder)))
        while not written(file):
            await asyncio.sleep(0.005)
            assert not task.done(), task.result()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(body())


def test_output_exit_code_and_environment(tmp_path: Path) -> None:
    done = run(["sh", "-c", "echo out; echo err >&2; echo $X$HOME; pwd; exit 3"], tmp_path, env={**ENV, "X": "*;`"})
    assert done == CommandResult(f"out\n*;`\n{tmp_path}\n", "err\n", 3)
    assert run(["sh", "-c", "kill -9 $$"]).exit_code == 137
    shown = run(["env"]).stdout.split()
    assert {line.partition("=")[0] for line in shown} == {"PATH", "LANG"}


def test_stdin_is_empty_or_what_was_given() -> None:
    assert run(["cat"]) == CommandResult("", "", 0)
    assert run(["cat"], stdin="a\ud800") == CommandResult("a?", "", 0)
    assert run(["true"], stdin="x" * 5_000_000).exit_code == 0


@pytest.mark.parametrize(
    ("argv", "cwd", "message"),
    [
        (["no-such-program"], "/", '"no-such-program" was not found'),
        (["true"], "/no/such/folder", 'the folder "/no/such/folder" does not exist'),
        (["/"], "/", '"/" cannot be started: permission denied'),
        (["echo", "a\0b"], "/", "embedded null byte"),
        (["echo", "x" * 10_000_000], "/", "argument list too long"),
    ],
)
def test_commands_that_cannot_start(argv: list[str], cwd: str, message: str) -> None:
    with pytest.raises(StepError, match=message) as raised:
        run(argv, cwd)
    assert raised.value.kind == "command"


def test_a_script_without_its_interpreter(tmp_path: Path) -> None:
    script = tmp_path / "s.sh"
    script.write_text("#!/no/such/shell\n")
    script.chmod(0o755)
    with pytest.raises(StepError, match="names an interpreter"):
        run([str(script)], tmp_path)


@pytest.mark.parametrize(
    ("side", "kept", "sizes"),
    [
        ("both", "begin\n\nend\n", {"stdout": 300_010}),
        ("head", "begin\nyyyy", {}),
        ("tail", "yyyyyyend\n", {}),
        ("none", "", {}),
    ],
)
def test_much_output_is_kept_at_the_ends_without_a_mark_in_it(side: Any, kept: str, sizes: dict[str, int]) -> None:
    script = "echo begin; head -c 300000 /dev/zero | tr '\\0' y; echo end; echo err >&2"
    most = {"both": 8}.get(side, 10)
    commands = LocalCommands()
    done = asyncio.run(
        commands.run(["sh", "-c", script], env={"PATH": os.environ["PATH"]}, cwd="/tmp", capture=Capture(most, side))
    )
    expected = {"both": "begi\nend\n"}.get(side, kept)
    assert (done.stdout, done.sizes) == (expected, sizes)
    assert done.stderr == ("" if side == "none" else "err\n")


def test_output_without_end_is_stopped_by_cancelling(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    cancelled_when(file, ["sh", "-c", f"echo $$ > {file}; exec yes"], tmp_path)
    assert not alive(file)


def test_a_child_that_holds_the_pipe_does_not_hold_the_step(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    done = run(["sh", "-c", f"sleep 600 & echo $! > {file}; echo done"], tmp_path)
    assert (done.stdout, alive(file)) == ("done\n", False)


@linux
@pytest.mark.parametrize("adopt", [False, True])
def test_a_daemon_does_not_survive_its_command(tmp_path: Path, adopt: bool) -> None:
    file = tmp_path / "pid"
    wait = f"while [ ! -s {file} ]; do sleep 0.01; done; echo ok"
    argv = ["sh", "-c", '"$@"; ' + wait, "sh", *python(DAEMON, str(file))]
    own(f"print(asyncio.run(LocalCommands(ProcessTree(adopt={adopt})).run({argv}, env={ENV}, cwd='/')).stdout)", "ok")
    assert not alive(file)


@linux
def test_a_command_that_ignores_the_polite_signal_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_GRACE_S", 0.05)
    file = tmp_path / "pid"
    cancelled_when(file, ["sh", "-c", f"trap '' TERM INT; echo $$ > {file}; while :; do sleep 600; done"], tmp_path)
    assert not alive(file)


@linux
def test_a_second_cancellation_does_not_leave_anything(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    argv = ["sh", "-c", f"trap '' TERM; (trap '' TERM; echo $$ > {file}; sleep 600; sleep 600)"]

    async def body() -> None:
        task = asyncio.ensure_future(LocalCommands().run(argv, env=ENV, cwd="/"))
        while not written(file):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(body())
    assert not alive(file)


def test_a_start_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "late"

    async def body() -> None:
        task = asyncio.ensure_future(
            LocalCommands().run(["sh", "-c", f"sleep 0.3; touch {file}; sleep 600"], env=ENV, cwd="/")
        )
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(body())
    assert not file.exists()


def own(body: str, expected: str) -> None:
    """Run Python with nano-flow's tools in a process of its own: adopting orphans changes the whole process."""
    head = """
        import asyncio, os, sys, time
        from nano_flow.tools.processes.tree import ProcessTree
        from nano_flow.tools.processes.local import LocalCommands
        """
    code = textwrap.dedent(head) + textwrap.dedent(body)
    engine = Path(processes.__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], env={**ENV, "PYTHONPATH": str(engine)}, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout.strip(), done.stderr) == (expected, "")


@linux
@pytest.mark.parametrize("adopt", [False, True])
def test_a_daemon_that_cleared_its_environment_is_found(tmp_path: Path, adopt: bool) -> None:
    file = tmp_path / "pid"
    wait = f"while [ ! -s {file} ]; do sleep 0.01; done"
    argv = ["sh", "-c", 'env -i "$@"; ' + wait, "sh", *python(DAEMON, str(file))]
    own(f"asyncio.run(LocalCommands(ProcessTree(adopt={adopt})).run({argv}, env={ENV}, cwd='/'))", "")
    assert not alive(file)


@linux
def test_what_is_over_before_its_start_is_told_keeps_its_exit_code() -> None:
    own(
        """
        import subprocess
        tree = ProcessTree(adopt=True)
        with tree.starting():
            short = subprocess.Popen(["sh", "-c", "exit 3"], start_new_session=True)
            os.waitid(os.P_PID, short.pid, os.WEXITED | os.WNOWAIT)
            other = subprocess.Popen(["true"], start_new_session=True)
            tree.started(other.pid, 0)
            tree.end(other.pid)
        print(short.wait())
        """,
        "3",
    )


@linux
def test_children_of_others_are_left_alone(tmp_path: Path) -> None:
    own(
        f"""
        import subprocess
        other = subprocess.Popen(["sleep", "600"])
        commands = LocalCommands(ProcessTree(adopt=True))
        asyncio.run(commands.run(["sh", "-c", "setsid sleep 600 & exit 0"], env={ENV}, cwd="/"))
        print(other.poll())
        other.kill()
        """,
        "None",
    )


@linux
def test_one_command_ends_and_another_goes_on(tmp_path: Path) -> None:
    own(
        f"""
        async def both():
            commands = LocalCommands(ProcessTree(adopt=True))
            long = asyncio.ensure_future(commands.run(
                ["sh", "-c", "setsid sh -c 'while [ ! -e {tmp_path}/go ]; do sleep 0.01; done; echo late' & wait"],
                env={ENV}, cwd="/"))
            await commands.run(["sh", "-c", "setsid sleep 600 & exit 0"], env={ENV}, cwd="/")
            open("{tmp_path}/go", "w").close()
            print((await long).stdout.strip())
        asyncio.run(both())
        """,
        "late",
    )


@linux
@pytest.mark.parametrize("clear", [False, True])
def test_a_process_that_hops_from_session_to_session_is_caught(tmp_path: Path, clear: bool) -> None:
    """Each generation forks the next one and leaves: bounded here, so that a failure does no harm."""
    hop = f"""
        import os, sys, time
        for generation in range(3000):
            if os.fork():
                os._exit(0)
            os.setsid()
            time.sleep(0.002)
        open("{tmp_path}/survived", "w").close()
        """
    argv = ["sh", "-c", ("env -i " if clear else "") + '"$@"; sleep 0.1', "sh", *python(hop)]
    own(f"asyncio.run(LocalCommands(ProcessTree(adopt=True)).run({argv}, env={ENV}, cwd='/'))\ntime.sleep(0.05)", "")
    left = subprocess.run(["pgrep", "-f", f"{tmp_path}/survived"], capture_output=True, text=True).stdout
    assert (left, (tmp_path / "survived").exists()) == ("", False)


@linux
def test_what_a_stopped_command_hid_is_found(tmp_path: Path) -> None:
    """It ignores the polite signal, and its daemon has cleared its environment."""
    file = tmp_path / "pid"
    daemon = ["env", "-i", *python(DAEMON, str(file))]
    argv = ["sh", "-c", """trap '' TERM; "$@"; while :; do sleep 600; done""", "sh", *daemon]
    own(
        f"""
        from nano_flow.tools.processes import local
        local._GRACE_S = 0.05
        async def stopped():
            task = asyncio.ensure_future(LocalCommands(ProcessTree(adopt=True)).run({argv}, env={ENV}, cwd="/"))
            while not (os.path.exists("{file}") and os.path.getsize("{file}")):
                await asyncio.sleep(0.005)
            task.cancel()
            await asyncio.wait([task])
        asyncio.run(stopped())
        """,
        "",
    )
    assert not alive(file)


@linux
def test_our_own_limits_are_as_before() -> None:
    before = resource.getrlimit(resource.RLIMIT_SIGPENDING)

    async def many() -> None:
        commands = LocalCommands()
        shown = await asyncio.gather(*(commands.run(["sh", "-c", "ulimit -a"], env=ENV, cwd="/") for _ in range(8)))
        assert all(done.exit_code == 0 for done in shown)

    asyncio.run(many())
    assert resource.getrlimit(resource.RLIMIT_SIGPENDING) == before
