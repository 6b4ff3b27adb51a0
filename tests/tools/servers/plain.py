"""A server without the SDK, quick to start, that misbehaves as its first argument says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

HOW, WHAT = (*sys.argv[1:], "", "")[:2]
TEXT = {"type": "string"}


def tool(name: str, description: str = "Says it again", **schema: object) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"x": TEXT}, **schema}
    return {"name": name, "description": description, "inputSchema": parameters}


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


LISTS: dict[str, list[dict[str, Any]]] = {
    "many": [tool(f"t{n}") for n in range(300)],
    "described": [tool("echo", WHAT), tool("other")],
    "more": [tool("echo"), tool("other"), tool("new")],
    "schema": [tool("echo", properties={"x": TEXT, "y": {}}), tool("other")],
    "huge": [tool("echo", title="x" * 100_000)],
    "name": [tool("a\u202eb")],
}
RESULTS: dict[str, dict[str, Any]] = {
    "no result": {"content": "nonsense"},
    "error": {"content": [text("no such issue")], "isError": True},
    "silent error": {"content": [], "isError": True},
    "structured": {"content": [], "structuredContent": {"n": 1, "list": [None, True]}},
    "structured and more": {
        "content": [text('{"n": 1}'), text("a chart"), {"type": "image", "data": "AAAA", "mimeType": "image/png"}],
        "structuredContent": {"n": 1},
    },
    "structured value": {"content": [text("7"), text("seven")], "structuredContent": {"result": 7}},
    "structured again": {"content": [text('{"n":  1}')], "structuredContent": {"n": 1}},
    "structured error": {"content": [], "structuredContent": {"error": "quota"}, "isError": True},
    "big": {"content": [text("x" * 2_000_000)]},
    "kinds": {
        "content": [
            text("see"),
            {"type": "image", "data": "AAAA", "mimeType": "image/png"},
            {"type": "resource_link", "name": "r", "uri": "file:///r"},
            {"type": "resource", "resource": {"uri": "file:///t", "text": "inside"}},
            {"type": "resource", "resource": {"uri": "file:///b", "blob": "AAAA"}},
        ]
    },
}


def call(arguments: dict[str, Any]) -> dict[str, Any]:
    if HOW == "crash":
        sys.exit("out of memory")
    if HOW == "slow":
        time.sleep(600)
    said = f"{arguments.get('x')} {os.environ.get(WHAT, '') if WHAT else ''}".strip()
    return RESULTS.get(HOW, {"content": [text(said)]})


def answer(method: str, parameters: dict[str, Any]) -> dict[str, Any]:
    if method == "initialize":
        version = parameters["protocolVersion"]
        about = {"name": "plain", "version": "1"}
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about}
    if method == "tools/list":
        more = {"nextCursor": "again" if HOW == "pages" else ""} if HOW in ("pages", "empty cursor") else {}
        return {"tools": LISTS.get(HOW, [tool("echo"), tool("other")]), **more}
    if method == "tools/call":
        return call(parameters.get("arguments") or {})
    raise LookupError(method)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def babble() -> NoReturn:
    while True:
        say("y" * 200)


def answer_badly(line: str) -> None:
    say(f"{line}\n")
    time.sleep(600)


def drone() -> NoReturn:
    while True:
        sys.stdout.write("y" * 65_536)


def bear() -> None:
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    with open(WHAT, "w", encoding="utf-8") as file:
        file.write(str(child.pid))


BEFORE: dict[str, Callable[[], object]] = {
    "garbage": babble,
    "endless line": drone,
    "deaf": lambda: time.sleep(600),
    "dies": lambda: sys.exit("no configuration found"),
    "no version": lambda: answer_badly('{"id": 0, "result": {}}'),
    "half a frame": lambda: answer_badly('{"jsonrpc": "2.0", "id"'),
    "a result that is none": lambda: answer_badly('{"jsonrpc": "2.0", "id": 0, "result": 17}'),
    "logs": lambda: say('{"level": "info", "message": "got \\"jsonrpc\\""}\n[1, 2]\n'),
    "greets": lambda: say("Welcome!\n"),
    "child": bear,
}


def main() -> None:
    BEFORE.get(HOW, lambda: None)()
    for line in sys.stdin:
        request = json.loads(line)
        if "id" not in request:
            continue
        try:
            body: dict[str, Any] = {"result": answer(request["method"], request.get("params") or {})}
        except LookupError as unknown:
            body = {"error": {"code": -32601, "message": f"no method {unknown}"}}
        if HOW == "logs":
            say(f"INFO served {request['method']}")
        say(json.dumps({"jsonrpc": "2.0", "id": request["id"], **body}))
    if HOW == "stays":
        time.sleep(600)


main()
