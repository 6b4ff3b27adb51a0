"""Tools are found by name; declared ones run as they are written; servers start when a step needs them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json
from nano_flow.plan.kinds.run import PlannedRun
from nano_flow.plan.plan import Plan, PlannedInput, PlannedToolSource
from nano_flow.ports import WHOLE, Capture, CommandResult, ServerOrder, Tool
from nano_flow.runtime.templates import render
from nano_flow.steps.tools.declared import Surroundings
from nano_flow.steps.tools.settings import Settings, variables
from nano_flow.steps.tools.toolbox import RunToolbox
from tests.runtime.kit import WHERE, FakeClock, FakeCommands, plan, template, values
from tests.steps.tools import FakeTool

TEXT: dict[str, Json] = {"type": "string"}


class Commands(FakeCommands):
    """Remembers the environment, folder and input too."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[dict[str, object]] = []

    async def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        stdin: str | None = None,
        capture: Capture = WHOLE,
    ) -> CommandResult:
        self.given.append({"env": dict(env), "cwd": cwd, "stdin": stdin})
        return await super().run(argv, env=env, cwd=cwd, stdin=stdin)


@dataclass
class Server:
    """A server with two tools."""

    order: ServerOrder
    closed: bool = False
    wanted: list[Sequence[str] | None] = field(default_factory=list)

    async def tools(self, wanted: Sequence[str] | None = None) -> Sequence[Tool]:
        self.wanted.append(wanted)
        return [FakeTool(f"{self.order.name}.{name}") for name in wanted or ("one", "two")]

    async def close(self) -> None:
        self.closed = True


@dataclass
class World:
    """A toolbox and all that it touches."""

    commands: Commands = field(default_factory=Commands)
    clock: FakeClock = field(default_factory=FakeClock)
    environ: dict[str, str] = field(default_factory=lambda: {"PATH": "/bin", "TOKEN": "{{ inputs.x }}", "EMPTY": ""})
    started: list[Server] = field(default_factory=list)
    allowed: list[tuple[str, ...]] = field(default_factory=list)

    def box(self) -> RunToolbox:
        def start(order: ServerOrder) -> Server:
            self.started.append(Server(order))
            return self.started[-1]

        def builtin(allow: tuple[str, ...]) -> Tool:
            self.allowed.append(allow)
            return FakeTool("run_command")

        around = Surroundings(self.commands, render, self.environ, "/tmp", self.clock)
        return RunToolbox({"run_command": builtin}, start, around)

    def tools(self, names: tuple[str, ...], made: Plan, **inputs: Json) -> Mapping[str, Tool]:
        return asyncio.run(self.box().tools(names, made, {"inputs": inputs, "run": {"id": "r1"}}))

    def call(self, source: PlannedToolSource, arguments: dict[str, Json], **inputs: Json) -> Json:
        known = {name: PlannedInput(name, dict(TEXT), required=True) for name in inputs}
        tools = self.tools((source.name,), replace(with_tools(source), inputs=known), **inputs)
        return asyncio.run(tools[source.name].call(arguments))


def with_tools(*sources: PlannedToolSource) -> Plan:
    return replace(plan([values("s", x=1)]), tools={source.name: source for source in sources})


def declared(*argv: str, **more: object) -> PlannedToolSource:
    properties = more.pop("properties", {"x": dict(TEXT)})
    run_more = {key: more.pop(key) for key in ("env", "stdin", "cwd", "output_schema") if key in more}
    for key in ("stdin", "cwd"):
        if key in run_more:
            run_more[key] = template(str(run_more[key]))
    if isinstance(env := run_more.get("env"), dict):
        run_more["env"] = {name: template(text) for name, text in env.items()}
    run = PlannedRun(tuple(template(part) for part in argv), **run_more)  # type: ignore[arg-type]
    parameters: dict[str, Json] = {"type": "object", "properties": properties}  # type: ignore[dict-item]
    return PlannedToolSource("t", "command", WHERE, "Does it", parameters, run, **more)  # type: ignore[arg-type]


def server(name: str = "srv", **more: object) -> PlannedToolSource:
    return PlannedToolSource(name, "mcp", WHERE, command=("serve",), **more)  # type: ignore[arg-type]


class TestFinding:
    def test_a_builtin_tool_gets_its_allow_list(self) -> None:
        world = World()
        listed = PlannedToolSource("run_command", "allow", WHERE, allow=("git",))
        assert set(world.tools(("run_command",), with_tools(listed))) == {"run_command"}
        world.tools(("run_command",), with_tools())
        assert world.allowed == [("git",), ()]

    def test_an_unknown_tool(self) -> None:
        with pytest.raises(StepError, match=r'there is no tool "run_comand"; did you mean "run_command"\?'):
            World().tools(("run_comand",), with_tools())
        with pytest.raises(StepError, match=r'there is no tool "zzz"$'):
            World().tools(("zzz",), with_tools())

    def test_servers_start_once_and_stop_with_the_run(self) -> None:
        world = World()
        box, made = world.box(), with_tools(server(), server("other"))

        async def use() -> None:
            assert world.started == []
            assert set(await box.tools(("srv", "srv.one"), made, {})) == {"srv.one", "srv.two"}
            assert set(await box.tools(("srv.two",), made, {})) == {"srv.two"}
            assert [one.order.name for one in world.started] == ["srv"]
            await box.tools(("other",), made, {})
            await box.close()

        asyncio.run(use())
        assert world.started[0].wanted == [None, ("one",), ("two",)]
        assert [one.closed for one in world.started] == [True, True]

    def test_settings_make_a_server(self) -> None:
        world = World()
        source = server(env={"KEY": "${TOKEN} {{ inputs.x }}"}, headers={"A": "Bearer {{ inputs.x }}"})
        box = world.box()

        async def use() -> None:
            for inputs in ({"x": "1"}, {"x": "1"}, {"x": "2"}):
                await box.tools(("srv",), with_tools(source), {"inputs": inputs})
            await box.tools(("srv",), replace(with_tools(source), file="sub.yaml"), {"inputs": {"x": "1"}})

        asyncio.run(use())
        orders = [one.order for one in world.started]
        assert [(order.workflow, order.headers["A"]) for order in orders] == [
            ("w.yaml", "Bearer 1"),
            ("w.yaml", "Bearer 2"),
            ("sub.yaml", "Bearer 1"),
        ]
        assert orders[0].env == {"KEY": "{{ inputs.x }} 1"}

    def test_servers_are_bounded(self) -> None:
        box = World().box()
        source = server(env={"N": "{{ inputs.n }}"})

        async def use() -> None:
            for n in range(70):
                await box.tools(("srv",), with_tools(source), {"inputs": {"n": n}})

        with pytest.raises(StepError, match="a run starts at most 64 servers"):
            asyncio.run(use())


class TestSettings:
    @pytest.mark.parametrize(
        ("source", "text"),
        [
            ("plain", "plain"),
            ("${TOKEN}", "{{ inputs.x }}"),
            ("a${TOKEN}b${NONE:-c}", "a{{ inputs.x }}bc"),
            ("${EMPTY:-}", ""),
            ("${EMPTY:-used}", "used"),
            ("$TOKEN $ {TOKEN} ${1}", "$TOKEN $ {TOKEN} ${1}"),
            ("{{ inputs.x }}", "${TOKEN}"),
            ("{{ inputs.n }}", "5"),
            ("{{ inputs.x }}-${TOKEN}", "${TOKEN}-{{ inputs.x }}"),
        ],
    )
    def test_variables_and_templates_do_not_see_each_other(self, source: str, text: str) -> None:
        names = {"inputs": {"x": "${TOKEN}", "n": 5}}
        assert Settings("t", WHERE, World().environ, names, render).text(source) == text

    @pytest.mark.parametrize("source", ["${NONE}", "${EMPTY}"])
    def test_a_missing_variable_is_named(self, source: str) -> None:
        with pytest.raises(StepError, match=r'the tool "t" needs the variable (NONE|EMPTY), which is not set'):
            Settings("t", WHERE, World().environ, {}, render).all({"A": source})

    def test_the_variables_that_are_used(self) -> None:
        assert variables({"a": "${A} ${B:-x}", "b": "$C ${D}"}) == {"A", "B", "D"}


class TestDeclared:
    def test_arguments_environment_folder_and_input(self) -> None:
        world = World()
        source = declared(
            "run", "{{ args.x }}", "{{ run.id }}", env={"V": "${TOKEN} {{ args.x }}"}, stdin="{{ args.x }}!", cwd="."
        )
        assert world.call(source, {"x": "; rm *"}) == "run ; rm * r1"
        assert world.commands.ran == [("run", "; rm *", "r1")]
        assert world.commands.given == [
            {"env": {"PATH": "/bin", "V": "{{ inputs.x }} ; rm *"}, "cwd": "/tmp", "stdin": "; rm *!"}
        ]

    def test_it_is_not_repeated_and_runs_one_after_the_other(self) -> None:
        (tool,) = World().tools(("t",), with_tools(declared("run"))).values()
        assert (tool.repeatable, tool.writes({}), tool.spec.description) == (False, "tool:t", "Does it")

    def test_a_failing_command_is_an_error(self) -> None:
        world = World()
        world.commands.results["run"] = CommandResult("out", "it broke\n", 2)
        with pytest.raises(StepError, match=r"^exit code 2: it broke$"):
            world.call(declared("run"), {})

    def test_output_by_its_schema(self) -> None:
        world = World()
        source = declared("run", output_schema={"type": "object", "required": ["n"]})
        world.commands.results["run"] = CommandResult('{"n": 1}\n', "", 0)
        assert world.call(source, {}) == {"n": 1}
        world.commands.results["run"] = CommandResult("{}", "", 0)
        with pytest.raises(StepError, match="stdout: the value: 'n' is a required property"):
            world.call(source, {})

    def test_its_timeout(self) -> None:
        world = World()

        async def endless(argv: Sequence[str], **_: object) -> CommandResult:
            await world.clock.sleep(1e9)
            raise AssertionError

        world.commands.run = endless  # type: ignore[method-assign, assignment]
        with pytest.raises(StepError, match='"t" did not end within 5s') as raised:
            world.call(declared("run", timeout_s=5.0), {})
        assert raised.value.kind == "timeout"

    def test_a_folder_outside(self) -> None:
        with pytest.raises(StepError, match=r'the folder "\.\./etc" is outside the workspace'):
            World().call(declared("run", cwd="../{{ args.x }}"), {"x": "etc"})


class TestOptions:
    """A value that begins with a dash is an option only where somebody said so."""

    @pytest.mark.parametrize(
        ("argv", "schema", "value"),
        [
            (("{{ args.x }}",), TEXT, "-rf"),
            (("{{ args.x }}",), {"type": "string", "pattern": "[a-z]+"}, "-oProxyCommand=x"),
            (("{{ args.x }}", "--"), TEXT, "-x"),
            (("{{ args.x }}",), {"type": "string", "pattern": "^.+$"}, "--output=x"),
            (("-{{ args.x }}",), TEXT, "-output=x"),
            (("--{{ args.x }}",), TEXT, "output=x"),
            (("{% if true %}{{ args.x }}{% endif %}",), TEXT, "-x"),
            (("{{ args.x }}",), {}, "-x"),
            (("{{ args.x }}",), {"type": "integer"}, -1),
            (("{{ args.x }}",), {"type": ["integer", "string"], "minimum": -5}, -1),
            (("{{ args.x.y }}",), {"type": "object"}, {"y": "-x"}),
            (("{{ args.x[0] }}",), {"type": "array", "items": dict(TEXT)}, ["-x"]),
        ],
    )
    def test_refused(self, argv: tuple[str, ...], schema: dict[str, Json], value: Json) -> None:
        world = World()
        with pytest.raises(StepError, match=r'begins with "-", so it could be read as an option; write "--" before'):
            world.call(declared("run", *argv, properties={"x": schema}), {"x": value})
        assert world.commands.ran == []

    @pytest.mark.parametrize(
        ("argv", "schema", "value", "last"),
        [
            (("{{ args.x }}",), TEXT, "a-b", "a-b"),
            (("{{ args.x }}",), {"type": "string", "pattern": "^-[vq]$"}, "-v", "-v"),
            (("{{ args.x }}",), {"enum": ["-v", "-q"]}, "-v", "-v"),
            (("{{ args.x }}",), {"const": "-v"}, "-v", "-v"),
            (("{{ args.x }}",), {"type": "integer", "minimum": -5}, -1, "-1"),
            (("--path={{ args.x }}",), TEXT, "-x", "--path=-x"),
            (("-{{ args.x }}",), {"type": "integer"}, 5, "-5"),
            (("-n{{ args.x }}",), TEXT, "5", "-n5"),
            (("--", "{{ args.x }}"), TEXT, "-x", "-x"),
            (("{{ '-v' if args.x else 'no' }}",), {"type": "boolean"}, True, "-v"),
            (("{{ args.x[0] }}",), {"type": "array", "items": {"enum": ["-x"]}}, ["-x"], "-x"),
            (("{{ args.x.y }}",), {"properties": {"y": {"enum": ["-x"]}}}, {"y": "-x"}, "-x"),
        ],
    )
    def test_admitted(self, argv: tuple[str, ...], schema: dict[str, Json], value: Json, last: str) -> None:
        world = World()
        world.call(declared("run", *argv, properties={"x": schema}), {"x": value})
        assert world.commands.ran[0][-1] == last

    def test_inputs_are_values_too(self) -> None:
        with pytest.raises(
            StepError, match=r'the argument "-x" begins with "-".*\{arg: "\{\{ inputs\.flag \}\}", dash: allow\}'
        ):
            World().call(declared("run", "{{ inputs.flag }}"), {}, flag="-x")

    def test_dashes_of_a_wrapper_end_only_its_own_options(self) -> None:
        with pytest.raises(StepError, match='begins with "-"'):
            World().call(declared("env", "--", "ls", "{{ args.x }}"), {"x": "-R"})
        world = World()
        world.call(declared("env", "--", "ls", "--", "{{ args.x }}"), {"x": "-R"})
        assert world.commands.ran[0][-1] == "-R"
