"""The command ``nano-flow``: the table of commands, and what becomes of every way in which one can end."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import click

from nano_flow.cli.common import Options, options_of
from nano_flow.cli.frame.group import EVENT_COMMANDS, Entry, Frame
from nano_flow.cli.frame.unplugged import without_plugins
from nano_flow.core.errors import NanoFlowError

if TYPE_CHECKING:
    from types import FrameType

_CLI = "nano_flow.cli"
COMMANDS = {
    "Run": {
        "run": Entry(f"{_CLI}.run", "Run a workflow."),
        "ask": Entry(f"{_CLI}.ask", "Ask one agent, routed."),
        "resume": Entry(f"{_CLI}.resume", "Go on with a run from what is done."),
        "runs": Entry(f"{_CLI}.history.runs", "List, show, compare, cancel, export and prune runs."),
        "approvals": Entry(f"{_CLI}.history.approvals", "List and answer what runs ask people."),
    },
    "Write and check": {
        "init": Entry(f"{_CLI}.setup.init", "Start a project that runs at once, without keys."),
        "validate": Entry(f"{_CLI}.checking.validate", "Check every document."),
        "plan": Entry(f"{_CLI}.money.plan", "Show what would run, on which model, why, and for how much."),
        "test": Entry(f"{_CLI}.test", "Run workflow and policy tests on simulated models."),
        "graph": Entry(f"{_CLI}.checking.graph", "Draw a workflow."),
        "schema": Entry(f"{_CLI}.checking.schema", "Print, write and check the editor schemas."),
    },
    "Models and money": {
        "policy": Entry(f"{_CLI}.routing.policy", "Explain, test and compare routing."),
        "providers": Entry(f"{_CLI}.routing.providers", "List and check providers and models."),
        "prices": Entry(f"{_CLI}.money.prices", "List and check prices."),
        "cost": Entry(f"{_CLI}.history.cost", "Show what was spent, by workflow, step, model, provider, day or run."),
        "cache": Entry(f"{_CLI}.money.cache", "Show and clear kept replies."),
    },
    "Serve": {
        "serve": Entry(f"{_CLI}.serving.serve", "Show runs in a browser, and answer programs."),
        "worker": Entry(f"{_CLI}.serving.worker", "Take runs that wait for a worker."),
        "mcp": Entry(f"{_CLI}.mcp", "Serve workflows and an agent to MCP hosts."),
    },
    "This machine": {
        "store": Entry(f"{_CLI}.setup.store", "Show, check and move the store of runs."),
        "tools": Entry(f"{_CLI}.setup.tools", "List and accept what MCP servers say of their tools."),
        "doctor": Entry(f"{_CLI}.setup.doctor", "Check that the set-up is healthy."),
        "completion": Entry(f"{_CLI}.setup.completion", "Print the completion script of a shell."),
    },
}

_HELP = """Agent workflows in YAML: each step on the right model, within a budget, remembered, tested without keys.

\b
Examples:
  nano-flow init hello && nano-flow run hello/workflow.yaml --offline
  nano-flow validate
  nano-flow plan workflow.yaml -i diff=@change.diff
  nano-flow run workflow.yaml -i diff=@change.diff --budget 0.50
"""

_OUTPUT_ERRORS = frozenset({errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
_COLLECT_SELDOM = (20_000, 20, 50)
"""With LiteLLM imported, Python's usual thresholds cost a run with many calls a fifth of its time."""
DEFECT = 70
INTERRUPTED = 130
TERMINATED = 143


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived where no run was there to take it."""


def main() -> NoReturn:
    """One command line, from its streams to its exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _open_missing_streams()
    without_plugins()
    gc.set_threshold(*_COLLECT_SELDOM)
    code = run_command(sys.argv[1:])
    gc.freeze()  # at exit Python would search all modules for garbage: a seventh of a short command's time
    sys.exit(code)


def run_command(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; the current folder is as before afterwards."""
    try:
        before = os.getcwd()
    except OSError:
        print("error: the current folder does not exist any more; go to another one", file=sys.stderr)  # noqa: T201
        return 2
    try:
        code = _outcome(list(arguments))
        sys.stdout.flush()
    except OSError as error:
        code = _output_lost(error)
    except Terminated:
        code = TERMINATED
    except KeyboardInterrupt:
        code = INTERRUPTED
    finally:
        os.chdir(before)
    return code


def _output_lost(error: OSError) -> int:
    """Standard output is full or closed."""
    from nano_flow.cli.output import turn_away

    turn_away()
    if not isinstance(error, BrokenPipeError):  # a reader that has left (``| head``) is not told anything
        print(f"error: the output cannot be written: {error.strerror}", file=sys.stderr)  # noqa: T201
    return 1


def _open_missing_streams() -> None:
    """A stream that was closed by whoever started the command (``>&-``) goes nowhere."""
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _is_of_output(error: Exception) -> bool:
    """True for what writing to a stream raises: a full disk or a lost terminal, and no file is named."""
    return isinstance(error, OSError) and error.filename is None and error.errno in _OUTPUT_ERRORS


def _outcome(arguments: list[str]) -> int:
    told: list[Options] = []
    try:
        return _invoke(arguments, told)
    except click.exceptions.Exit as end:
        return int(end.exit_code)
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        _say_usage(error, arguments)
        return error.exit_code
    except NanoFlowError as error:
        from nano_flow.cli.failures import say_failure

        say_failure(error, as_json=_wants_json(arguments))
        return error.exit_code
    except Exception as error:
        if _is_of_output(error):
            raise
        from nano_flow.cli.failures import say_defect

        state = (told[0] if told else Options()).state
        say_defect(error, arguments, state, as_json=_wants_json(arguments))
        return DEFECT


def _invoke(arguments: list[str], told: list[Options]) -> int:
    """Run the command; ``told`` gets the options that it was given, also where it fails."""
    frame = Frame(COMMANDS, help=_HELP)
    if "_NANO_FLOW_COMPLETE" in os.environ:
        from click.shell_completion import shell_complete

        return shell_complete(frame, {}, "nano-flow", "_NANO_FLOW_COMPLETE", os.environ["_NANO_FLOW_COMPLETE"])
    with frame.make_context("nano-flow", _spell_events(arguments)) as context:
        try:
            result = frame.invoke(context)
        finally:
            told.append(options_of(context))
    return result if isinstance(result, int) else 0


def _spell_events(arguments: list[str]) -> list[str]:
    """``--json=events`` as a flag of its own: click has no option whose value may be left out before a word."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    head = arguments[:end]
    if "--json=events" in head and not EVENT_COMMANDS.intersection(head):
        raise click.UsageError(f'"--json=events" is for {" and ".join(sorted(EVENT_COMMANDS))}; here say "--json"')
    return ["--json-events" if word == "--json=events" else word for word in head] + arguments[end:]


def _wants_json(arguments: list[str]) -> bool:
    return "--json" in arguments or "--json=events" in arguments


def _say_usage(error: click.ClickException, arguments: list[str]) -> None:
    if _wants_json(arguments):
        from nano_flow.cli.failures import print_error

        print_error(error.format_message(), error.exit_code)
    error.show()


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated
