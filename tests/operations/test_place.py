"""Which store a project has: that of its service.yaml, of the environment, or of its state folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from nano_flow import adapters
from nano_flow.core.errors import DocumentError
from nano_flow.operations.place import Place
from nano_flow.operations.runs.starting import StartOrder
from nano_flow.operations.service.queueing import QueueOrder, queue_run
from nano_flow.stores.sqlite.store import open_store
from tests.cli.said import Said

FLOW = "nano_flow: 1\nname: small\nsteps:\n  say: {run: echo hello}\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in which addresses such as ``folder:///x`` mean a store in that folder."""
    stores = {**adapters.STORES, "folder": lambda state, url: open_store(urlsplit(url).path)}
    monkeypatch.setattr(adapters, "STORES", stores)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("NANO_FLOW_STATE", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.yaml").write_text(FLOW)
    return tmp_path


def _service(project: Path, store: str) -> None:
    (project / "service.yaml").write_text(f"nano_flow: 1\nstore: {store}\n")


def test_the_file_is_asked_before_the_environment(project: Path) -> None:
    place = Place(project / ".nano-flow", environ={"NANO_FLOW_STORE": "folder:///b", "HERE": "folder:///c"})
    assert place.address == "folder:///b"
    for written, there in (("folder:///a", "folder:///a"), ("${HERE}", "folder:///c"), ("${NONE:-}", "folder:///b")):
        _service(project, written)
        assert place.address == there
    below = Place(place.state, project / "none", {}, project / "deep")
    assert below.address == "" and below.store.place.endswith("state.db")


def test_only_what_names_a_store_has_to_be_right(project: Path) -> None:
    place = Place(project / ".nano-flow", environ={})
    (project / "service.yaml").write_text("nano_flow: 1\nbudgets: wrong\n")
    assert place.address == ""
    _service(project, "[a, b]")
    with pytest.raises(DocumentError, match=r"service\.yaml:2:8"):
        _ = place.store


def test_what_lives_long_stays_with_its_store(project: Path) -> None:
    _service(project, "folder:///a")
    place = Place(project / ".nano-flow", environ={})
    settled = place.settled()
    _service(project, "folder:///b")
    assert (settled.address, settled.settled().address, place.address) == ("folder:///a", "folder:///a", "folder:///b")


def test_every_command_uses_one_store(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said, theirs = Said(capsys), project / "theirs"
    _service(project, f"folder://{theirs}")
    run_id = said.json("run", "flow.yaml")["run_id"]
    assert [run["run_id"] for run in said.json("runs")["runs"]] == [run_id]
    assert said.json("store", "info")["place"] == str(theirs / "state.db")
    assert not (project / ".nano-flow" / "state.db").exists()
    queue_run(Place(project / ".nano-flow"), QueueOrder(StartOrder(str(project / "flow.yaml")), "test"))
    said("worker", "--until-idle")
    assert [run["status"] for run in said.json("runs")["runs"]] == ["succeeded", "succeeded"]
    assert str(theirs) in said("doctor", code=0)
    (project / "service.yaml").unlink()
    assert said.json("runs")["runs"] == []


def test_a_wrong_file_is_told_where_it_is_wrong(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = Said(capsys)
    _service(project, "[a, b]")
    assert said("runs", code=3) == "" and "service.yaml:2:8" in said.err


def test_a_file_without_a_store_loads_no_schema(project: Path) -> None:
    (project / "service.yaml").write_text("nano_flow: 1\nretention: {runs: 90d}\n")
    program = (
        "import sys\nfrom nano_flow.cli.main import run_command\nassert run_command(['runs']) == 0\n"
        "assert 'pydantic' not in sys.modules and 'jinja2' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


def test_a_workflow_of_another_project_is_kept_where_that_project_looks(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said, here = Said(capsys), project / "here"
    other, theirs = project / "other", project / "theirs"
    for folder in (here, other):
        (folder / ".git").mkdir(parents=True)
    (other / "flow.yaml").write_text(FLOW)
    _service(other, f"folder://{theirs}")
    _service(here, f"folder://{project / 'ours'}")
    monkeypatch.chdir(here)
    run_id = said.json("run", "../other/flow.yaml")["run_id"]
    assert said.json("runs")["runs"] == []
    assert [run["run_id"] for run in said.json("-C", "../other", "runs")["runs"]] == [run_id]
    from nano_flow import run

    assert run("../other/flow.yaml").status == "succeeded"
    assert len(said.json("-C", "../other", "runs")["runs"]) == 2


@pytest.mark.parametrize("key", ["store", "cache"])
def test_a_path_is_no_address(project: Path, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = Said(capsys)
    (project / "service.yaml").write_text(f"nano_flow: 1\n{key}: ./elsewhere\n")
    found = said("validate", "service.yaml", code=3)
    assert "service.yaml:2:" in found and "NF709" in found and "--state-dir" in found
    if key == "store":
        said("runs", code=2)
        assert '"./elsewhere", which is no address' in said.err
