"""Placed steps give what they would give at home: every kind, every modifier, every nesting."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from nano_flow.operations.place import Place
from tests.placed.kit import Seen, place, place_in, placed_run, run, workers, write
from tests.stores.postgres import schema_url

__all__ = ["place", "schema_url"]

WORKFLOWS = {
    "command": (
        """name: w
steps:
  a: {runs_on: gpu, run: [echo, "{{ inputs.n }}"]}
  b: {run: [echo, "after {{ steps.a.output.stdout }}"]}
inputs: {n: {type: integer}}
outputs: {b: "{{ steps.b.output.stdout }}"}
""",
        1,
        {"b": "after 7"},
    ),
    "items": (
        """name: w
inputs: {n: {type: integer}}
steps:
  a: {runs_on: gpu, for_each: range(5), as: x, run: [echo, "{{ x }} {{ index }} {{ inputs.n }}"]}
outputs: {a: "{{ steps.a.output | map(attribute='stdout') | list }}"}
""",
        5,
        {"a": ["0 0 7", "1 1 7", "2 2 7", "3 3 7", "4 4 7"]},
    ),
    "loop": (
        """name: w
inputs: {n: {type: integer}}
steps:
  a:
    runs_on: gpu
    repeat: {max_iterations: 5, until: "output.stdout == '3'"}
    run: [echo, "{{ iteration }}"]
outputs: {a: "{{ steps.a.output.stdout }}"}
""",
        1,
        {"a": "3"},
    ),
    "group": (
        """name: w
inputs: {n: {type: integer}}
steps:
  before: {set: {x: "{{ inputs.n + 1 }}"}}
  a:
    runs_on: gpu
    for_each: [a, b]
    steps:
      one: {set: {v: "{{ item }}{{ steps.before.output.x }}"}}
      two: {switch: {value: item, cases: {a: {set: {w: "{{ steps.one.output.v }}!"}}}, default: {set: {w: other}}}}
    outputs: "{{ steps.two.output.w }}"
outputs: {a: "{{ steps.a.output }}"}
""",
        2,
        {"a": ["a8!", "other"]},
    ),
    "inside a group": (
        """name: w
inputs: {n: {type: integer}}
steps:
  top: {set: {x: 1}}
  g:
    for_each: [1, 2]
    steps:
      a: {set: {y: "{{ item + steps.top.output.x }}"}}
      b: {runs_on: gpu, run: [echo, "{{ steps.a.output.y }} {{ steps.top.output.x }} {{ item }}"]}
    outputs: "{{ steps.b.output.stdout }}"
outputs: {g: "{{ steps.g.output }}"}
""",
        2,
        {"g": ["2 1 1", "3 1 2"]},
    ),
    "placed inside placed": (
        """name: w
inputs: {n: {type: integer}}
steps:
  g:
    runs_on: gpu
    steps:
      a: {runs_on: gpu, for_each: [1, 2, 3], run: [echo, "{{ item }}"]}
    outputs: "{{ steps.a.output | map(attribute='stdout') | list }}"
outputs: {g: "{{ steps.g.output }}"}
""",
        4,
        {"g": ["1", "2", "3"]},
    ),
    "condition and recovery": (
        """name: w
inputs: {n: {type: integer}}
steps:
  no: {runs_on: gpu, when: "false", run: [echo, x]}
  bad: {runs_on: gpu, run: ["false"], retry: {max_attempts: 2, delay: 10ms}, on_error: {output: saved}}
  late: {runs_on: gpu, run: [sleep, 30], timeout: 200ms, on_error: continue}
outputs: {no: "{{ steps.no.status }}", bad: "{{ steps.bad.output }}", late: "{{ steps.late.error.class }}"}
""",
        2,
        {"no": "skipped", "bad": "saved", "late": "timeout"},
    ),
    "finish inside": (
        """name: w
inputs: {n: {type: integer}}
steps:
  g:
    runs_on: gpu
    steps: {end: {finish: enough}}
  never: {needs: [g], run: [echo, no]}
outputs: {never: "{{ steps.never.status }}"}
""",
        1,
        {"never": "skipped"},
    ),
    "sub-workflow": (
        """name: w
inputs: {n: {type: integer}}
steps:
  s: {runs_on: gpu, workflow: inner.yaml, with: {m: "{{ inputs.n }}"}}
outputs: {s: "{{ steps.s.output.r }}"}
""",
        2,
        {"s": "inner 7"},
    ),
    "a retried group keeps what workers finished": (
        """name: w
inputs: {n: {type: integer}}
steps:
  g:
    retry: {max_attempts: 2, delay: 10ms}
    steps:
      once: {runs_on: gpu, run: [sh, -c, "echo once >> log; cat log"]}
      twice: {runs_on: gpu, needs: [once], run: [sh, -c, "echo x >> tries; test $(wc -l < tries) -ge 2"]}
    outputs: "{{ steps.once.output.stdout }}"
outputs: {g: "{{ steps.g.output }}"}
""",
        3,
        {"g": "once"},
    ),
    "a group that is placed and retried around": (
        """name: w
inputs: {n: {type: integer}}
steps:
  g:
    retry: {max_attempts: 2, delay: 10ms}
    steps:
      p:
        runs_on: gpu
        steps:
          once: {run: [sh, -c, "echo once >> log; cat log"]}
          twice: {needs: [once], run: [sh, -c, "echo x >> tries; test $(wc -l < tries) -ge 2"]}
        outputs: "{{ steps.once.output.stdout }}"
    outputs: "{{ steps.p.output }}"
outputs: {g: "{{ steps.g.output }}"}
""",
        2,
        {"g": "once"},
    ),
    "handlers and a conversation": (
        """name: w
inputs: {n: {type: integer}}
steps:
  first: {runs_on: gpu, prompt: hello, model: sim/small}
  then: {runs_on: gpu, needs: [first], prompt: and now, model: sim/small, conversation: first}
  bad: {needs: [then], run: ["false"], on_error: continue}
  h:
    needs: [bad]
    steps: {x: {run: ["false"]}}
    on_error: continue
    finally: {f: {runs_on: gpu, run: [sh, -c, "echo f >> log"]}}
outputs: {first: "{{ steps.first.status }}", then: "{{ steps.then.status }}", h: "{{ steps.h.status }}"}
""",
        3,
        {"first": "succeeded", "then": "succeeded", "h": "failed"},
    ),
    "tolerated items": (
        """name: w
inputs: {n: {type: integer}}
steps:
  a:
    runs_on: gpu
    for_each: [0, 1, 0]
    on_item_failure: continue
    run: [sh, -c, 'exit "$0"', "{{ item }}"]
outputs: {failed: "{{ steps.a.errors | map(attribute='index') | list }}", n: "{{ steps.a.output | length }}"}
""",
        3,
        {"failed": [1], "n": 3},
    ),
}
INNER = """name: inner
inputs: {m: {type: integer}}
steps: {i: {runs_on: gpu, run: [echo, "inner {{ inputs.m }}"]}}
outputs: {r: "{{ steps.i.output.stdout }}"}
"""


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_placed_step_gives_what_it_gives_at_home(place: Place, name: str) -> None:
    text, times, outputs = WORKFLOWS[name]
    write(place.current, INNER, "inner.yaml")
    path = write(place.current, text)
    report, taken = placed_run(place, path, "gpu", count=2, n=7)
    assert report.document["outputs"] == outputs, report.document
    assert taken == times
    assert report.end.status == "succeeded"


def test_on_the_embedded_store_without_a_worker_it_runs_here(tmp_path: Path) -> None:
    text, _, outputs = WORKFLOWS["items"]
    report = asyncio.run(run(place_in(tmp_path, ""), write(tmp_path, text), n=7))
    assert report.document["outputs"] == outputs


def test_progress_and_events_are_as_if_local(place: Place) -> None:
    path = write(place.current, WORKFLOWS["items"][0])
    seen = Seen()

    async def story() -> str:
        async with asyncio.timeout(60), workers(place, "gpu"):
            return (await run(place, path, sinks=[seen], n=1)).run_id

    run_id = asyncio.run(story())
    finished = sorted(getattr(event, "address", "") for event in seen.of("StepFinished"))
    assert finished == [f"a[{index}]" for index in range(5)]
    with place.store.reader() as reader:
        numbers = [number for number, _ in reader.events_of(run_id)]
        stored = sorted(e.address for _, e in reader.events_of(run_id) if type(e).__name__ == "StepFinished")
    assert numbers == list(range(len(numbers)))
    assert stored == finished
    assert list(place.store.faults()) == []


def test_any_is_every_worker_beyond_one_machine(tmp_path: Path, schema_url: str) -> None:
    path = write(tmp_path, "name: w\nsteps: {a: {runs_on: any, for_each: [1, 2], run: [echo, hi]}}\n")
    report, taken = placed_run(place_in(tmp_path, schema_url), path)
    assert report.end.status == "succeeded"
    assert taken == 2


def test_without_a_worker_it_fails_after_its_time_and_says_how_to_start_one(tmp_path: Path, schema_url: str) -> None:
    path = write(tmp_path, "name: w\nlimits: {queue: 1s}\nsteps: {a: {runs_on: gpu, run: [echo, hi]}}\n")
    seen = Seen()
    report = asyncio.run(run(place_in(tmp_path, schema_url), path, sinks=[seen]))
    assert report.end.failure is not None
    assert report.end.failure.kind == "no_worker"
    assert "nano-flow worker --labels gpu" in report.end.failure.message
    assert any("no worker with the label" in getattr(event, "message", "") for event in seen.of("NoticeGiven"))
