"""Two runs side by side."""

from __future__ import annotations

import json
from typing import Any

from nano_flow.core.events import RunFinished, StepFinished, StepStarted
from nano_flow.core.money import Money
from nano_flow.core.shown.printable import columns
from nano_flow.views.comparison import compare, comparison_text
from nano_flow.views.document import run_document
from nano_flow.views.report import view_of
from tests.stores.samples import finished, started


def run(run_id: str, cost: int = 300, output: str = "fine", at: float = 1000.0, more: str = "") -> dict[str, Any]:
    steps = [StepStarted(at, name, name, "prompt") for name in ("ask", *([more] if more else []))]
    end = RunFinished(at + 10, "succeeded", {"report": output}, None, None, None, at)
    done = StepFinished(at + 2, "ask", output, at)
    return run_document(view_of([started(at, run_id), *steps, finished(cost=Money(cost)), done, end]))  # type: ignore[return-value]


def test_runs_that_differ_in_time_alone_are_the_same() -> None:
    difference = compare(run("r1"), run("r2", at=9000.0))
    assert (difference["same"], difference["run"], difference["steps"]) == (True, {}, [])
    assert comparison_text(difference, 80) == "r1 and r2 decided, paid and produced the same"


def test_what_differs_is_named_with_both_sides() -> None:
    difference: Any = compare(run("r1"), run("r2", 500, "bad", more="tell"))
    assert json.loads(json.dumps(difference)) == difference
    assert difference["run"]["outputs"] == {"a": {"report": "fine"}, "b": {"report": "bad"}}
    assert difference["run"]["cost"]["b"]["usd"] == "0.0000005"
    assert difference["steps"] == [
        {
            "address": "ask",
            "changes": {
                "cost_usd": {"a": "0.0000003", "b": "0.0000005"},
                "output": {"a": "fine", "b": "bad"},
            },
        },
        {"address": "tell", "changes": {"status": {"a": "absent", "b": "pending"}}},
    ]
    reverse: Any = compare(run("r2", more="tell"), run("r1"))
    assert reverse["steps"][0]["changes"]["status"] == {"a": "pending", "b": "absent"}


def test_the_table_has_a_line_for_each_value_and_fits() -> None:
    difference = compare(run("r1"), run("r2", 500, "b" * 500, more="tell"))
    lines = comparison_text(difference, 80).splitlines()
    assert lines[0].split() == ["step", "what", "r1", "r2"]
    assert any(line.split()[:4] == ["ask", "cost_usd", "0.0000003", "0.0000005"] for line in lines)
    assert all(columns(line) <= 80 for line in lines)
    other = compare({**run("r1"), "error": None}, {**run("r2"), "error": "x"})
    assert "–" in comparison_text(other, 80)
