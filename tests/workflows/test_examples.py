"""The shipped examples: each has a test that passes, and together they show every kind of step."""

from __future__ import annotations

from pathlib import Path

from nano_flow.plan.kinds.table import KINDS
from nano_flow.plan.walk import every_step
from nano_flow.project.opening import open_workflow
from nano_flow.testing.collect import run_all
from tests.house.tree import ROOT

EXAMPLES = sorted((ROOT / "workflows").glob("*.yaml"))


def test_every_case_passes_without_a_warning() -> None:
    results = list(run_all([ROOT / "workflows"], "", ROOT))
    assert [(r.name, *r.problems, *r.warnings) for r in results if r.problems or r.warnings] == []
    tested = {Path(result.file).name.replace(".test", "") for result in results}
    assert {path.name for path in EXAMPLES} - tested == set()


def test_every_example_opens_without_a_warning_and_every_kind_is_shown() -> None:
    opened = [open_workflow(str(path), ROOT) for path in EXAMPLES]
    # The four validators run side by side on purpose.
    assert [str(d) for one in opened for d in one.warnings if one.plan.name != "four-validators"] == []
    assert {step.kind for one in opened for _, step in every_step(one.plan.graph)} == set(KINDS)
