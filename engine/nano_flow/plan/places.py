"""The places that a template may stand in, and which names each of them sees."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """What a template sees besides ``inputs``, ``steps``, ``env`` and ``run``.

    ``item``: the step's own item and index; ``loop``: its own iteration; ``output``: the value just produced;
    ``error``: why the attempt before failed;
    ``inner``: the steps inside the step; ``secret``: secret inputs; ``args``: arguments of a declared tool.
    """

    name: str
    item: bool = True
    loop: bool = True
    output: bool = False
    inner: bool = False
    secret: bool = False
    args: bool = False
    steps: bool = True
    error: bool = False


WHEN = Place("when", item=False, loop=False, secret=True)
FOR_EACH = Place("for_each", item=False, loop=False)
ON_ERROR = Place("on_error", item=False, loop=False)
BODY = Place("body")
ENV = Place("env", secret=True)
RETRY = Place("retry", error=True)
UNTIL = Place("until", output=True, inner=True)
VERIFY = Place("verify", output=True)
OUTPUTS = Place("outputs", output=True, inner=True)
TOOL = Place("tool", item=False, loop=False, args=True, steps=False)
SERVER = Place("server", item=False, loop=False, steps=False, secret=True)
TOOL_ENV = Place("tool env", item=False, loop=False, args=True, steps=False, secret=True)
