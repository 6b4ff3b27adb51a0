"""Agents and streams: the CPU of a tool loop and of a stream beside bare LiteLLM; what 10,000 calls leave behind.

CPU is taken of whole processes, as a slope between a short and a long run, so that start-up counts for neither.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.calls import IN_FLIGHT, PROVIDERS, bare_litellm, child
from bench.measure import Figure
from bench.server import CHUNKS, running

TURNS = 20
LOOPS = (10, 60)
STREAMS = (50, 400)
LONG = int(os.environ.get("BENCH_ITEMS", "10000"))
_AT_ONCE = 8


def _workflow(name: str, at_once: int, prompt: str, more: str = "") -> str:
    return f"""\
nano_flow: 1
name: {name}
inputs: {{n: {{type: integer}}}}
limits: {{max_parallel: {at_once}}}
steps:
  work: {{for_each: range(inputs.n), max_items: 10000, max_parallel: {at_once}, model: loopback/gpt-5-mini,
         max_output_tokens: 100, prompt: "{prompt}"{more}}}
"""


_SAY = "Say something about {{ item }}"
_WORKFLOWS = {
    "loops.yaml": _workflow(
        "loops", _AT_ONCE, f"Read the notes {TURNS}", f", tools: [read_file], max_turns: {TURNS + 1}"
    ),
    "streams.yaml": _workflow("streams", _AT_ONCE, _SAY),
    "calls.yaml": _workflow("calls", IN_FLIGHT, _SAY),
}
_TOOL = {
    "type": "function",
    "function": {
        "name": "read_file",
        "description": "Read a text file",
        "parameters": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    },
}


def figures() -> list[Figure]:
    """CPU of a turn and of a stream, tasks and sockets that are left over."""
    with running() as address, tempfile.TemporaryDirectory() as folder:
        for name, text in _WORKFLOWS.items():
            (Path(folder) / name).write_text(text)
        (Path(folder) / "providers.yaml").write_text(PROVIDERS % address)
        for number in range(TURNS):
            (Path(folder) / f"notes_{number}.txt").write_text("A note of one line.\n")
        loop, bare_loop = (
            1000 * _slope(*pair, LOOPS) / TURNS for pair in (("run", folder, "loops"), ("bare", address, "loops"))
        )
        stream, bare_stream = (
            _slope(*pair, STREAMS) for pair in (("events", folder, "streams"), ("bare", address, "streams"))
        )
        left = json.loads(child([sys.executable, "-m", "bench.agents", "left", folder, str(LONG)]).text)
    return [
        Figure(f"tool loop of {TURNS} turns, CPU a turn", loop, "ms", 0.8, note=f"LiteLLM {bare_loop:.2f} ms"),
        Figure(f"streams of {CHUNKS} pieces a CPU second", bare_stream / stream, "× bare litellm", 8, "higher",
               f"{1000 * stream:.1f} ms each, LiteLLM {1000 * bare_stream:.1f}"),
        Figure(f"tasks left after {LONG:,} calls", left["tasks"], "", 0),
        Figure("connections left", left["sockets"], "", 0, note=f"{IN_FLIGHT} in flight"),
    ]  # fmt: skip


def _slope(way: str, where: str, name: str, counts: tuple[int, int]) -> float:
    """CPU seconds of one item, whole processes, between a short and a long run."""
    few, many = (_cpu(way, where, name, count) for count in counts)
    return (many - few) / (counts[1] - counts[0])


def _cpu(way: str, where: str, name: str, count: int) -> float:
    if way == "bare":
        return child([sys.executable, "-m", "bench.agents", name, where, str(count)]).cpu_s
    shape = "--json=events" if way == "events" else "--json"
    run = ["-m", "nano_flow", "-C", where, "-q", "run", f"{name}.yaml", "-i", f"n={count}", shape]
    return child([sys.executable, *run]).cpu_s


async def _bare(name: str, address: str, count: int) -> None:
    """The same calls through LiteLLM and nothing else."""
    litellm = bare_litellm()
    slots = asyncio.Semaphore(_AT_ONCE)
    usual = {
        "model": "openai/gpt-5-mini",
        "api_base": address,
        "api_key": "none-needed",
        "max_completion_tokens": 100,
        "num_retries": 0,
        "max_retries": 0,
    }

    async def loop(item: int) -> None:
        messages: list[dict[str, Any]] = [{"role": "user", "content": f"Read the notes {TURNS}"}]
        while True:
            reply = await litellm.acompletion(messages=messages, tools=[_TOOL], **usual)
            message = reply.choices[0].message
            if not message.tool_calls:
                return
            messages.append(message.model_dump(exclude_none=True))
            messages += [{"role": "tool", "tool_call_id": c.id, "content": "A note."} for c in message.tool_calls]

    async def stream(item: int) -> None:
        said = [{"role": "user", "content": f"Say something about {item}"}]
        pieces = await litellm.acompletion(messages=said, stream=True, stream_options={"include_usage": True}, **usual)
        text = "".join([piece.choices[0].delta.content or "" async for piece in pieces if piece.choices])
        assert text.count("reply") == CHUNKS

    async def one(item: int) -> None:
        async with slots:
            await (loop if name == "loops" else stream)(item)

    await asyncio.gather(*(one(item) for item in range(count)))


async def _left(folder: str, count: int) -> dict[str, int]:
    """Tasks and open sockets that a run leaves in the process that called it."""
    import nano_flow

    os.chdir(folder)
    before = _sockets()
    result = await nano_flow.arun("calls.yaml", inputs={"n": count})
    assert result.status == "succeeded", result.error
    await asyncio.sleep(0.5)  # connections that were told to close need a moment of the loop
    return {"tasks": len(asyncio.all_tasks()) - 1, "sockets": _sockets() - before}


def _sockets() -> int:
    """Open sockets of this process; 0 where the system does not list them as files."""
    if not os.path.isdir("/proc/self/fd"):
        return 0
    links = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
    return sum(os.readlink(link).startswith("socket:") for link in links if os.path.islink(link))


if __name__ == "__main__":
    what, where, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if what == "left":
        print(json.dumps(asyncio.run(_left(where, number))))
    else:
        asyncio.run(_bare(what, where, number))
