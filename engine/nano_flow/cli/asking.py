"""Approvals on a terminal: one question at a time, answered by number, name or first letters."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
import time
from collections.abc import Mapping, Sequence

from nano_flow.cli import output
from nano_flow.core.events import ApprovalAnswered
from nano_flow.core.messages import Json


class TerminalApprover:
    """Asks whoever sits at the terminal; end of input means that nobody does."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def ask(
        self, address: str, message: str, options: Sequence[str], input_schema: Mapping[str, Json] | None
    ) -> ApprovalAnswered | None:
        """The answer, or None at the end of input: the run then saves itself."""
        async with self._turn:
            _say(f"\n{output.clean(address)}: {output.clean(message)}")
            _say("  " + "   ".join(f"[{n}] {output.clean(option)}" for n, option in enumerate(options, 1)))
            decision = await _choice(options)
            given: Json = None
            if decision is not None and input_schema is not None:
                answered, given = await _value(input_schema)
                decision = decision if answered else None
            if decision is None:
                return None
            return ApprovalAnswered(time.time(), address, decision, given, "", _person())


async def _choice(options: Sequence[str]) -> str | None:
    while True:
        line = await _line("your choice: ")
        if line is None:
            return None
        if line.isdigit() and 1 <= int(line) <= len(options):
            return options[int(line) - 1]
        near = [option for option in options if line and option.casefold().startswith(line.casefold())]
        if len(near) == 1 or line in options:
            return line if line in options else near[0]
        _say(f"  type a number from 1 to {len(options)}, or a name")


async def _value(schema: Mapping[str, Json]) -> tuple[bool, Json]:
    from nano_flow.operations.runs.asking import OutputBroken, check_schema, parse_json

    while True:
        line = await _line(f"input ({_wanted(schema)}): ")
        if line is None:
            return False, None
        try:
            value = parse_json(line) if schema.get("type") != "string" else line
            check_schema(value, schema)
        except OutputBroken as error:
            _say(f"  {error}")
            continue
        return True, value


def _wanted(schema: Mapping[str, Json]) -> str:
    return "text" if schema.get("type") == "string" else f"JSON for {json.dumps(schema)}"


async def _line(prompt: str) -> str | None:
    """One line of stdin, without a thread that a Ctrl-C would have to wait for."""
    sys.stderr.write(prompt)
    sys.stderr.flush()
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[str] = loop.create_future()

    def take() -> None:
        loop.remove_reader(sys.stdin)
        if not ready.done():
            ready.set_result(sys.stdin.readline())

    loop.add_reader(sys.stdin, take)
    try:
        line = await ready
    finally:
        loop.remove_reader(sys.stdin)
    return line.strip() if line else None


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "terminal"


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
