"""The language, sentence by sentence: each scenario is a workflow with the outcome that ``language.md`` gives it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workflows.scenarios import problems

SCENARIOS = sorted(Path(__file__).parent.glob("*/*.txt"))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_scenario(scenario: Path, tmp_path: Path) -> None:
    assert "\n".join(problems(scenario.read_text(encoding="utf-8"), tmp_path)) == ""
