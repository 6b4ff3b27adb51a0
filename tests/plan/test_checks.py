"""Tools, conversations, approvals, switches, names, workspaces."""

from __future__ import annotations

import pytest

from tests.plan.compiling import found, hints

TOOLS = """tools:
  mine: {description: d, parameters: {properties: {n: {type: integer}, m: {}}, required: [n]}, run: [x]}
  server: {mcp: {command: [serve]}}
  http_get: {allow: [example.com]}
"""


@pytest.mark.parametrize(
    "step",
    [
        "prompt: x, tools: [read_file, mine, server, server.search, http_get]",
        "prompt: x, tools: [mine], params: {tool_choice: mine}",
        "prompt: x, params: {tool_choice: none}",
        "tool: server.search, with: {anything: 1}",
        "tool: mine, with: {n: 1}",
        "tool: mine, with: {n: '{{ run.id }}'}",
        "tool: http_get, with: {url: 'https://example.com/'}",
        "tool: http_get, with: {url: '{{ run.id }}'}",
    ],
)
def test_tools_that_exist(step: str) -> None:
    assert found(f"{TOOLS}steps: {{a: {{{step}}}}}\n") == []


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("prompt: x, tools: [raed_file]", '7:32 NF319 there is no tool "raed_file"'),
        ("prompt: x, tools: [mine.x]", '7:32 NF319 there is no tool "mine.x"'),
        ("prompt: x, tools: [run_command]", '7:32 NF319 "run_command" needs an allow-list'),
        ("prompt: x, params: {tool_choice: mine}", '7:46 NF319 the step has no tool "mine"'),
        ("tool: server", '7:19 NF319 "server" is a server, not a tool'),
        ("tool: nothing", '7:19 NF319 there is no tool "nothing"'),
        ("tool: mine", '7:19 NF319 the tool "mine" also wants "n"'),
        ("tool: mine, with: {n: one}", '7:35 NF319 the argument "n" must be an integer, found "one"'),
        ("tool: mine, with: {n: 'a {{ run.id }}'}", '7:35 NF319 the argument "n" must be an integer, and a template'),
        ("tool: mine, with: {n: 1, o: 2}", '7:38 NF319 the tool "mine" has no argument "o": it has "n", "m"'),
        (
            "tool: http_get, with: {url: 'file:///etc/passwd'}",
            '7:41 NF330 expected an http or https address, found "file:"',
        ),
        ("tool: http_get, with: {url: example}", '7:41 NF330 "example" is no http address'),
    ],
)
def test_tools_that_do_not(step: str, expected: str) -> None:
    (line,) = found(f"{TOOLS}steps: {{a: {{{step}}}}}\n")
    assert line.startswith(expected)


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        ("run_comand: {allow: [git]}", '3:9 NF319 "allow" is for "run_command", "http_get", not for "run_comand"'),
        ("http_get: {allow: ['https://x.com/']}", '3:28 NF330 expected the name of a host, found "https://x.com/"'),
        ("read_file: {description: d, run: [x]}", '3:9 NF319 "read_file" is a built-in tool'),
        ("s: {mcp: {}}", '3:13 NF319 an MCP server has either a "command" or a "url"'),
        ("s: {mcp: {command: [x], url: 'http://x'}}", '3:13 NF319 an MCP server has either a "command" or a "url"'),
        ("s: {mcp: {url: 'file:///x'}}", '3:24 NF330 expected an http or https address, found "file:"'),
    ],
)
def test_declared_tools(tool: str, expected: str) -> None:
    assert found(f"tools: {{{tool}}}\nsteps: {{a: {{prompt: x}}}}\n") == [expected]


@pytest.mark.parametrize(
    ("conversation", "expected"),
    [
        ("p", []),
        ("r", ['9:32 NF320 "r" is no prompt and has no conversation']),
        ("f", ['9:32 NF320 "f" runs once for each item, so there are many conversations']),
        ("q", ['9:32 NF320 there is no step "q" beside this one']),
        ("a", ['9:32 NF320 "a" goes on with its own conversation, but nothing repeats it']),
        ("a, repeat: {max_iterations: 2}", []),
    ],
)
def test_conversations(conversation: str, expected: list[str]) -> None:
    text = f"""
    steps:
      p: {{prompt: x}}
      r: {{run: [x]}}
      f: {{for_each: [1], prompt: x}}
      g:
        steps: {{q: {{prompt: x}}}}
      a: {{prompt: x, conversation: {conversation}}}
    """
    assert found(text) == expected


def test_a_conversation_inside_a_loop_goes_on() -> None:
    text = "steps: {g: {repeat: {max_iterations: 2}, steps: {a: {prompt: x, conversation: a}}}}\n"
    assert found(text) == []


@pytest.mark.parametrize(
    ("approve", "expected"),
    [
        ("options: [a, b], timeout: 1h, on_timeout: b", []),
        ("timeout: 1h, on_timeout: reject", []),
        ("options: [a, a]", ['3:48 NF324 the option "a" stands twice']),
        ("timeout: 1h, on_timeout: no", ['3:60 NF324 "no" is none of the options "approve", "reject"']),
        ("on_timeout: reject", ['3:35 NF324 "on_timeout" has no effect without "timeout"']),
    ],
)
def test_approvals(approve: str, expected: list[str]) -> None:
    assert found(f"steps: {{a: {{approve: {{message: m, {approve}}}}}}}\n") == expected


def test_classes_of_error_that_nobody_has() -> None:
    text = "defaults: {retry: {max_attempts: 2, errors: [tiemout]}}\nsteps:\n  a: {prompt: x}\n"
    text += "  b: {run: [x], retry: {max_attempts: 2, errors: [command, comand]}}\n"
    said = "nothing would be retried for it"
    assert found(text) == [
        f'3:46 NF333? no error of nano-flow itself has the class "tiemout": {said}',
        f'6:60 NF333? no error of nano-flow itself has the class "comand": {said}',
    ]


ENUM = """steps:
  c: {prompt: x, output_schema: {properties: {k: {enum: [bug, 1, true]}, f: {type: boolean}, o: {const: z}}}}
"""


@pytest.mark.parametrize(
    ("switch", "expected"),
    [
        ("value: steps.c.output.k, cases: {bug: {set: {}}, '1': {set: {}}, 'true': {set: {}}}", []),
        ("value: steps.c.output.k, cases: {bug: {set: {}}}, default: {set: {}}", []),
        ("value: steps.c.output.f, cases: {'true': {set: {}}, 'false': {set: {}}}", []),
        ("value: steps.c.output.o, cases: {z: {set: {}}}", []),
        ("value: steps.c.status, cases: {anything: {set: {}}}", []),
        (
            "value: steps.c.output.k, cases: {bug: {set: {}}}",
            ['5:41 NF325 the value may also be "1", "true", and there is no case for that'],
        ),
        (
            "value: steps.c.output.o, cases: {z: {set: {}}, zz: {set: {}}}",
            ['5:63 NF325? the case "zz" is never taken: the value is one of "z"'],
        ),
    ],
)
def test_a_switch_over_an_enum_has_every_case(switch: str, expected: list[str]) -> None:
    assert found(f"{ENUM}  s: {{switch: {{{switch}}}}}\n") == expected


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("for_each: [1], as: steps, prompt: x", '3:32 NF328 "steps" means something else in expressions'),
        ("repeat: {max_iterations: 1, as: output}, prompt: x", '3:45 NF328 "output" means something else'),
        ("for_each: [1], repeat: {max_iterations: 1, as: item}, prompt: x", '3:60 NF328 "item" means something else'),
        ("as: x, prompt: x", '3:13 NF328? "as" has no effect without "for_each"'),
        ("max_items: 3, prompt: x", '3:13 NF328? "max_items" has no effect without "for_each"'),
        ("on_item_failure: fail, prompt: x", '3:13 NF328? "on_item_failure" has no effect without "for_each"'),
    ],
)
def test_names_that_mean_something_else(step: str, expected: str) -> None:
    (line,) = found(f"steps: {{a: {{{step}}}}}\n")
    assert line.startswith(expected)


@pytest.mark.parametrize(
    ("workspace", "reason"),
    [
        ("/", "holds more than this project"),
        ("..", "holds more than this project"),
        ("~", "is a home folder"),
        ("~/work", "is a home folder"),
        ("/etc", "is outside of this project"),
        ("../other", "is outside of this project"),
        ("a/../../b", "is outside of this project"),
        ('"a\\u0007b"', "holds a character that cannot be seen"),
    ],
)
def test_a_workspace_outside_of_the_project_is_refused(workspace: str, reason: str) -> None:
    (line,) = found(f"workspace: {workspace}\nsteps: {{a: {{prompt: x}}}}\n")
    assert line.startswith("3:12 NF313 the workspace") and reason in line
    assert hints(f"workspace: {workspace}\nsteps: {{a: {{prompt: x}}}}\n")[0].startswith(
        "name a folder of this project"
    )


@pytest.mark.parametrize("workspace", [".", "sub", "./a/../b", "/project/sub"])
def test_a_workspace_inside_of_it_is_not(workspace: str) -> None:
    assert found(f"workspace: {workspace}\nsteps: {{a: {{prompt: x}}}}\n") == []
