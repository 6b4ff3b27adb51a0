"""Model calls: a fan-out of prompts against a loopback server, beside bare ``litellm.acompletion`` at the same width.

Beside it stands the floor, the same posts by aiohttp alone. All are taken as a slope between a short and a long run in
processes of their own, so that start-up and the import of LiteLLM count for none; memory is the growth of the peak.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, ModuleType

from bench.measure import ROOT, Figure, ordinary_environment
from bench.server import running

IN_FLIGHT = 512
SHORT = 1000
LONG = int(os.environ.get("BENCH_ITEMS", "10000"))
RATE_AT_LEAST = 4
CPU_AT_MOST_MS = 1.0
FLOOR_AT_MOST = 2.0
MEMORY_AT_MOST_KB = 10
_PROMPT = "Review item {{ item }} of the list and say in one sentence whether it is fine."

_WORKFLOW = f"""\
nano_flow: 1
name: calls
inputs: {{n: {{type: integer}}}}
limits: {{max_parallel: {IN_FLIGHT}}}
steps:
  review:
    for_each: range(inputs.n)
    max_items: 10000
    max_parallel: {IN_FLIGHT}
    prompt: {_PROMPT}
    model: loopback/gpt-5-mini
    max_output_tokens: 100
"""
PROVIDERS = """\
nano_flow: 1
providers:
  loopback:
    api: openai
    credentials: [LOOPBACK_API_KEY]
    base_url: %s
    models:
      gpt-5-mini: {context_window: 400k, max_output_tokens: 128k, can: [tools, json_schema]}
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """One run of ``items`` calls."""

    items: int
    seconds: float
    cpu_s: float
    peak_kb: float


def figures() -> list[Figure]:
    """Calls a second against the bare loop, and memory per item."""
    with running() as address, tempfile.TemporaryDirectory() as folder:
        workflow_of_calls(Path(folder), address)
        bare = [_bare("litellm", address, items) for items in (SHORT, LONG)]
        posts = [_bare("aiohttp", address, items) for items in (SHORT, LONG)]
        ours = [_ours(folder, items) for items in (SHORT, LONG)]
    rate, floor = _rate(ours), _rate(bare)
    growth = (ours[1].peak_kb - ours[0].peak_kb) / (LONG - SHORT)
    bare_growth = (bare[1].peak_kb - bare[0].peak_kb) / (LONG - SHORT)
    each, least = (1000 * _cpu(taken) / (LONG - SHORT) for taken in (ours, posts))
    return [
        Figure(
            f"{LONG:,} calls, {IN_FLIGHT} in flight", rate / floor, "× bare litellm", RATE_AT_LEAST, "higher",
            f"{rate:.0f} calls/s, bare {floor:.0f}, aiohttp {_rate(posts):.0f}",
        ),
        Figure("CPU of a call, all in", each, "ms", CPU_AT_MOST_MS,
               note=f"LiteLLM {_cpu(bare) / _cpu(ours):.1f} times as much"),
        Figure("CPU of a call", each / least, "× bare aiohttp", FLOOR_AT_MOST, note=f"aiohttp {least:.2f} ms"),
        Figure("memory per item", growth, "kB", MEMORY_AT_MOST_KB, note=f"LiteLLM {bare_growth:.1f} kB"),
    ]  # fmt: skip


def workflow_of_calls(folder: Path, address: str) -> None:
    """The fan-out and its provider."""
    (folder / "calls.yaml").write_text(_WORKFLOW)
    (folder / "providers.yaml").write_text(PROVIDERS % address)


def _rate(taken: list[Taken]) -> float:
    return (taken[1].items - taken[0].items) / (taken[1].seconds - taken[0].seconds)


def _cpu(taken: list[Taken]) -> float:
    return taken[1].cpu_s - taken[0].cpu_s


def _ours(folder: str, items: int) -> Taken:
    command = [sys.executable, "-m", "nano_flow", "-C", folder, "-q", "run", "calls.yaml", "-i", f"n={items}", "--json"]
    ended = child(command)
    document = json.loads(ended.text)
    if document["status"] != "succeeded":
        raise RuntimeError(f"the run ended {document['status']}: {document['error']}")
    return Taken(items, document["duration_s"], ended.cpu_s, ended.peak_kb)


def _bare(way: str, address: str, items: int) -> Taken:
    ended = child([sys.executable, "-m", "bench.calls", way, address, str(items)])
    return Taken(items, float(ended.text), ended.cpu_s, ended.peak_kb)


@dataclass(frozen=True, slots=True)
class Ended:
    """What a child process printed and used."""

    text: str
    cpu_s: float
    peak_kb: float


def child(command: list[str], more: Mapping[str, str] = MappingProxyType({})) -> Ended:
    """Run ``command`` to its end, with ``more`` in its environment; RuntimeError where it fails."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "engine")])
    environment = {**ordinary_environment(), "LOOPBACK_API_KEY": "none-needed", "PYTHONPATH": path, **more}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, cwd=ROOT, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        text, error = out.read(), err.read()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed: {error[-800:]}{text[:800]}")
    peak_kb = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Ended(text, usage.ru_utime + usage.ru_stime, peak_kb)


def bare_litellm() -> ModuleType:
    """LiteLLM as its users have it, but without downloads."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    litellm.telemetry = False
    litellm.disable_hf_tokenizer_download = True
    return litellm


async def _bare_loop(address: str, items: int) -> float:
    """``items`` calls through LiteLLM and nothing else; seconds."""
    litellm = bare_litellm()
    slots = asyncio.Semaphore(IN_FLIGHT)

    async def call(item: int) -> str:
        async with slots:
            reply = await litellm.acompletion(
                model="openai/gpt-5-mini",
                api_base=address,
                api_key="none-needed",
                messages=[{"role": "user", "content": _PROMPT.replace("{{ item }}", str(item))}],
                max_completion_tokens=100,
                num_retries=0,
                max_retries=0,
            )
            return str(reply.choices[0].message.content)

    start = time.perf_counter()
    replies = await asyncio.gather(*(call(item) for item in range(items)))
    assert len(replies) == items
    return time.perf_counter() - start


async def _posts(address: str, items: int) -> float:
    """``items`` posts of the same bodies by aiohttp, their replies read as JSON; seconds."""
    import aiohttp

    slots = asyncio.Semaphore(IN_FLIGHT)
    headers = {"Authorization": "Bearer none-needed"}

    async def call(session: aiohttp.ClientSession, item: int) -> str:
        said = [{"role": "user", "content": _PROMPT.replace("{{ item }}", str(item))}]
        body = {"model": "gpt-5-mini", "messages": said, "max_completion_tokens": 100}
        async with slots, session.post(f"{address}/chat/completions", json=body, headers=headers) as reply:
            return str((await reply.json())["choices"][0]["message"]["content"])

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as session:
        start = time.perf_counter()
        await asyncio.gather(*(call(session, item) for item in range(items)))
        return time.perf_counter() - start


if __name__ == "__main__":
    ways = {"litellm": _bare_loop, "aiohttp": _posts}
    print(asyncio.run(ways[sys.argv[1]](sys.argv[2], int(sys.argv[3]))))
