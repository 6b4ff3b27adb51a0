"""Scripted models, commands, tools and people of one case."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from nano_flow.core.errors import StepError
from nano_flow.core.events import ApprovalAnswered
from nano_flow.core.messages import ChatReply, ChatRequest, Json, ToolSpec
from nano_flow.ports import Clock, Tool
from nano_flow.providers.sim import SimProvider
from nano_flow.providers.simulated.script import Script
from nano_flow.steps.output import OutputBroken, check_schema
from nano_flow.tools.files.tool import FILE_TOOLS

_TAKES_S = 1.0
"""Virtual seconds that a scripted call takes, so that calls that are ready together overlap."""

_REAL_TAKES_S = 0.01
"""The same where time is real, beside commands that execute."""

_NEVER_S = 3_153_600_000.0
"""A person who does not answer: a hundred years."""

_COMMAND_KEYS = frozenset({"stdout", "stderr", "exit_code"})


@dataclass(slots=True)
class Watched:
    """What a case saw: rendered prompts by address, and how many calls were under way at once."""

    prompts: dict[str, list[str]] = field(default_factory=dict)
    in_flight: int = 0
    most_in_flight: int = 0

    def __enter__(self) -> None:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def __exit__(self, *_: object) -> None:
        self.in_flight -= 1


class ScriptedModels:
    """Every provider of a rehearsal: the simulated models, with the replies of the case."""

    def __init__(self, script: Script, clock: Clock, watched: Watched, *, real: bool) -> None:
        self._sim = SimProvider(clock, script=script)
        self._clock = clock
        self._watched = watched
        self._takes_s = _REAL_TAKES_S if real else _TAKES_S
        self.results: dict[str, list[tuple[bool, Json]]] = {}
        self._checks: dict[str, list[Json]] = {}

    @property
    def script(self) -> Script:
        """The replies of the case, which remember what was asked for."""
        return self._sim.script

    async def ready(self, name: str) -> ScriptedModels:
        """The same models whatever the provider."""
        return self

    async def complete(self, request: ChatRequest, on_text: Callable[[str], None] | None = None) -> ChatReply:
        """Answer as the script says."""
        if request.turn == request.attempt == request.sample == 0 and request.purpose != "judge":
            asked = [message.content for message in request.messages if message.role == "user"]
            self._watched.prompts.setdefault(request.address, []).append(asked[-1] if asked else "")
        with self._watched:
            await self._clock.sleep(self._takes_s)
            reply = await self._sim.complete(request, on_text)
        if request.purpose != "judge" and request.sample == 0:
            self.results[request.address] = self.script.results(request)
            checks = self.script.checks(request)
            self._checks[request.address] = (
                checks[::-1] if isinstance(checks, list) else [] if checks is None else [checks]
            )
        return reply

    def check(self, address: str) -> tuple[bool, Json]:
        """Whether it is scripted how the next command ends that checks the latest reply of ``address``, and how."""
        due = self._checks.get(address, [])
        return bool(due), (due.pop() if len(due) > 1 else due[0]) if due else None

    async def close(self) -> None:
        """Nothing is held open."""


@dataclass(slots=True)
class ScriptedTools:
    """Stands in for tools and commands: a scripted result wins; without one it depends on what it is."""

    models: ScriptedModels
    clock: Clock
    watched: Watched
    real: bool
    results: Mapping[str, Json] = field(default_factory=dict)
    """Tool → its result, or a list of them in the order of its calls."""
    _calls: dict[str, int] = field(default_factory=dict)

    async def call(self, address: str, tool: Tool, arguments: Mapping[str, Json], key: tuple[int, str]) -> Json:
        """See ``steps.context.StandIn``."""
        with self.watched:
            # Also where commands are real: replies that are ready together overlap, whatever else there is to do.
            await self.clock.sleep(_REAL_TAKES_S if self.real else _TAKES_S)
            name, where = tool.spec.name, key[1]
            if where.isdigit():
                return await self._agent_call(address, tool, arguments, int(where))
            found, reply = self.models.check(address) if where == "verify" else self._due(address)
            if found:
                return _command_result(reply) if name == "run" else _tool_result(reply)
            if name in self.results:
                return self._of_tool(name)
            if self.real or name in FILE_TOOLS:
                return await tool.call(arguments)
            what = "command" if name == "run" else f'tool "{name}"'
            missing = f'"verify" to the reply of "{address}"' if where == "verify" else f'"{address}" to replies'
            raise StepError("script", f"no reply is scripted for this {what}; add {missing}")

    def instead(self, address: str) -> tuple[bool, Json]:
        """See ``steps.context.StandIn``."""
        found, reply = self._due(address)
        return found, _tool_result(reply) if found else None

    def _due(self, address: str) -> tuple[bool, Json]:
        """The reply to this execution of a step without a model; ``attempts`` are its executions too."""
        before = self.models.script.begin(address)
        found, reply = self.models.script.at(address)
        if isinstance(reply, dict) and reply.keys() == {"attempts"} and isinstance(reply["attempts"], list):
            attempts = reply["attempts"]
            return True, attempts[min(before, len(attempts) - 1)] if attempts else None
        return found, reply

    def _of_tool(self, name: str) -> Json:
        """The result of the next call of a tool, whoever makes it; the last of a list goes on answering."""
        scripted, count = self.results[name], self._calls.get(name, 0)
        self._calls[name] = count + 1
        if not isinstance(scripted, list) or not scripted:
            return _tool_result(scripted)
        if count >= len(scripted) and isinstance(scripted[-1], list):
            raise StepError("script", f'"tools" has {len(scripted)} results of "{name}", one more was asked for')
        return _tool_result(scripted[min(count, len(scripted) - 1)])

    def unused_tools(self) -> list[str]:
        """Tools with a result that nothing called."""
        return [name for name in self.results if name not in self._calls]

    async def _agent_call(self, address: str, tool: Tool, arguments: Mapping[str, Json], index: int) -> Json:
        results = self.models.results.get(address, [])
        scripted, result = results[index] if index < len(results) else (False, None)
        if scripted:
            return _tool_result(result)
        if tool.spec.name in self.results:
            return self._of_tool(tool.spec.name)
        if self.real or tool.spec.name in FILE_TOOLS:
            return await tool.call(arguments)
        raise StepError(
            "script",
            f'no result is scripted for this call of "{tool.spec.name}"; add "result" to it, or the tool to "tools"',
        )


@dataclass(slots=True)
class ScriptedPerson:
    """Answers approvals as the case says; without a reply nobody is there."""

    script: Script
    clock: Clock

    async def ask(
        self, address: str, message: str, options: Sequence[str], input_schema: Mapping[str, Json] | None
    ) -> ApprovalAnswered | None:
        """The scripted decision."""
        self.script.begin(address)
        found, reply = self.script.at(address)
        if not found:
            return None
        await asyncio.sleep(0)
        if reply == {"error": "timeout"}:
            await self.clock.sleep(_NEVER_S)
        given = reply if isinstance(reply, dict) else {"decision": reply}
        decision = given.get("decision")
        if not isinstance(decision, str) or decision not in options:
            raise StepError("script", f"the reply decides {json.dumps(decision)}, the options are {', '.join(options)}")
        if input_schema is not None:
            try:
                check_schema(given.get("input"), input_schema)
            except OutputBroken as error:
                raise StepError("script", f'the "input" of the reply is not what is asked for: {error}') from None
        comment, by = given.get("comment"), given.get("by")
        return ApprovalAnswered(
            self.clock.now(), address, decision, given.get("input"), str(comment or ""), str(by or "test")
        )


@dataclass(frozen=True, slots=True)
class AbsentTool:
    """A tool of a server that a rehearsal does not start: only its scripted results exist."""

    spec: ToolSpec
    repeatable: bool = True

    def writes(self, arguments: Mapping[str, Json]) -> str | None:
        """Nothing is written."""
        return None

    async def call(self, arguments: Mapping[str, Json]) -> Json:
        """There is nothing to call."""
        raise StepError("script", f'"{self.spec.name}" has no scripted result, and no server is started in tests')


def _command_result(reply: Json) -> Json:
    failure = _scripted_failure(reply)
    if failure is not None:
        raise failure
    if isinstance(reply, dict) and reply.keys() <= _COMMAND_KEYS and reply:
        return {
            "stdout": reply.get("stdout", ""),
            "stderr": reply.get("stderr", ""),
            "exit_code": reply.get("exit_code", 0),
        }
    text = reply if isinstance(reply, str) else json.dumps(_unwrapped(reply), ensure_ascii=False)
    return {"stdout": text, "stderr": "", "exit_code": 0}


def _tool_result(reply: Json) -> Json:
    failure = _scripted_failure(reply)
    if failure is not None:
        raise failure
    return _unwrapped(reply)


def _unwrapped(reply: Json) -> Json:
    return reply["reply"] if isinstance(reply, dict) and reply.keys() == {"reply"} else reply


def _scripted_failure(reply: Json) -> StepError | None:
    if isinstance(reply, dict) and "error" in reply and reply.keys() <= {"error", "message"}:
        kind = str(reply["error"])
        return StepError(kind, str(reply.get("message") or f"scripted: {kind}"))
    return None
