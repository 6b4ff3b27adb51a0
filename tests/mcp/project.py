"""A small project whose workflows a host may call, and a server of it on standard input and output."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mcp.client.stdio import StdioServerParameters

GREET = """nano_flow: 1
name: greet
description: Greets somebody.
inputs: {who: {type: string, description: A name}, times: {type: integer, default: 1}}
steps:
  say: {prompt: "Greet {{ inputs.who }} {{ inputs.times }} times"}
  shout: {run: [echo, "hello {{ inputs.who }}"]}
outputs: {said: "{{ steps.shout.output.stdout }}", words: "{{ steps.say.output }}"}
"""
SHIP = """nano_flow: 1
name: ship
inputs: {}
steps:
  ask:
    approve:
      message: Publish 2 rows?
      options: [publish, discard]
      input: {type: object, properties: {title: {type: string}, count: {type: integer}}, required: [title]}
  done: {needs: [ask], run: [echo, "{{ steps.ask.output.decision }} {{ steps.ask.output.input.title }}"]}
outputs: {line: "{{ steps.done.output.stdout }}", by: "{{ steps.ask.output.by }}"}
"""
SLOW = """nano_flow: 1
name: slow
inputs: {}
steps:
  sleep: {run: [sleep, "30"]}
finally: {clean: {run: [touch, cleaned]}}
outputs: {}
"""
FAIL = """nano_flow: 1
name: broken
inputs: {}
steps: {bad: {run: ["false"]}}
"""


def project(folder: Path) -> Path:
    """Write the workflows; the folder."""
    for name, text in {"greet": GREET, "ship": SHIP, "slow": SLOW, "broken": FAIL}.items():
        (folder / f"{name}.yaml").write_text(text)
    (folder / "notes.txt").write_text("a note")
    return folder


def words(*more: str) -> list[str]:
    """The command line of the server, after Python."""
    return ["-m", "nano_flow", "mcp", "greet.yaml", "ship.yaml", "slow.yaml", "broken.yaml", "--offline", *more]


def server(folder: Path, *more: str) -> StdioServerParameters:
    """How a host starts it."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return StdioServerParameters(command=sys.executable, args=words(*more), cwd=project(folder), env=environ)
