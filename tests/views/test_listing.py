"""The list of runs."""

from __future__ import annotations

from dataclasses import dataclass

from nano_flow.core.shown.printable import columns
from nano_flow.views.listing import runs_document, runs_text


@dataclass(frozen=True)
class Run:
    """What a store answers."""

    run_id: str = "3f9a1c"
    workflow: str = "review-change"
    file: str = "review.yaml"
    created_at: float = 1000.0
    duration_s: float = 12.3456
    status: str = "succeeded"
    simulated: bool = False
    error: str | None = None
    stop_reason: str | None = None
    stop_address: str | None = None
    owner: str | None = None
    cost: int = 1_500_000
    possibly_spent: int = 0
    simulated_cost: int = 2_500_000
    unpriced_calls: int = 0


RUNS = (Run(), Run("77aa", status="paused", stop_reason="approval", simulated=True), Run("77ab", unpriced_calls=1))


def test_each_run_is_a_line() -> None:
    assert runs_text(RUNS, 100).splitlines() == [
        "run     workflow       status             started               time         cost",
        "3f9a1c  review-change  succeeded          1970-01-01 00:16:40  12.3s      $0.0015",
        "77aa    review-change  paused (approval)  1970-01-01 00:16:40  12.3s     ~$0.0025",
        "77ab    review-change  succeeded          1970-01-01 00:16:40  12.3s  $0.0015 + ?",
    ]


def test_forty_columns_keep_run_workflow_status_and_cost() -> None:
    lines = runs_text(RUNS, 40).splitlines()
    assert lines[0].split() == ["run", "workflow", "status", "cost"] and all(columns(line) <= 40 for line in lines)


def test_the_document_has_exact_money_and_times() -> None:
    told = runs_document(RUNS[:1])
    assert told == {
        "schema": "nano-flow/runs@1",
        "runs": [
            {
                "run_id": "3f9a1c",
                "workflow": "review-change",
                "file": "review.yaml",
                "status": "succeeded",
                "simulated": False,
                "started_at": "1970-01-01T00:16:40.000Z",
                "duration_s": 12.346,
                "error": None,
                "failed_at": None,
                "stop": {"reason": None, "address": None},
                "owner": None,
                "cost": {"usd": "0.0015", "possibly_spent_usd": "0", "simulated_usd": "0.0025", "unpriced_calls": 0},
            }
        ],
    }
