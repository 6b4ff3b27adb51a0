"""Which workflow of a project a name means."""

from __future__ import annotations

from pathlib import Path

import pytest

from nano_flow.core.errors import UsageError
from nano_flow.operations.place import Place
from nano_flow.operations.project.workflows import find_workflow

WORKFLOW = "nano_flow: 1\nname: {}\nsteps: {{a: {{run: [echo, hi]}}}}\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(WORKFLOW.format(name))
    (tmp_path / "service.yaml").write_text("nano_flow: 1\nworkflows: {first: {file: one.yaml}}\n")
    return Place(tmp_path / ".nano-flow")


def test_a_served_workflow_is_found_by_its_name_and_by_its_file(place: Place) -> None:
    assert find_workflow(place, "first") == find_workflow(place, "one.yaml")
    assert find_workflow(place, "first").served == "first"
    assert find_workflow(place, "two.yaml").served == ""


@pytest.mark.parametrize("name", ["three.yaml", "../two.yaml", "/etc/hostname", ""])
def test_nothing_else_can_be_asked_for_and_what_can_is_named(place: Place, name: str) -> None:
    with pytest.raises(UsageError, match=r'it has "first", "two\.yaml"'):
        find_workflow(place, name)
