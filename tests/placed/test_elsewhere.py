"""Workers elsewhere: a workspace that is not there, one of their own, a machine that stood still, what plan says."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest

from nano_flow.cli.main import run_command
from nano_flow.contracts.samples import run_record
from nano_flow.core.errors import StoreError
from nano_flow.core.events import CallIntended, NoticeGiven
from nano_flow.core.money import Money
from nano_flow.operations.place import Place
from nano_flow.stores.sql import writer
from tests.placed.kit import SECONDS, place, place_in, placed_run, run, workers, write
from tests.stores.postgres import schema_url

__all__ = ["place", "schema_url"]


def test_a_workspace_that_is_not_shared_is_refused_with_the_reason(
    tmp_path: Path, schema_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "name: w\nsteps: {a: {runs_on: gpu, run: [echo, hi]}}\n")
    monkeypatch.setattr("nano_flow.placed.mark_workspace", lambda prepared: None)  # as if the folder were another one
    report, _ = placed_run(place_in(tmp_path, schema_url), path, "gpu")
    assert report.end.failure is not None
    assert report.end.failure.kind == "workspace"
    assert "share that folder" in report.end.failure.message
    assert "workspace: fresh" in report.end.failure.message


def test_the_mark_of_a_shared_workspace_goes_with_the_run(tmp_path: Path, schema_url: str) -> None:
    path = write(tmp_path, "name: w\nsteps: {a: {runs_on: gpu, run: [echo, hi]}}\n")
    report, _ = placed_run(place_in(tmp_path, schema_url), path, "gpu")
    assert report.end.status == "succeeded"
    assert list((tmp_path / ".nano-flow" / "shared").iterdir()) == []


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_worker_checks_the_commit_of_the_run_out_for_itself(tmp_path: Path, schema_url: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_text("from the repository\n")
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "x"]):
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *who, *words], cwd=source, check=True)
    path = write(
        tmp_path,
        f"""name: w
workspace: {{git: "{source.as_uri()}", ref: main}}
steps: {{a: {{runs_on: gpu, run: [cat, file]}}}}
outputs: {{a: "{{{{ steps.a.output.stdout }}}}"}}
""",
    )
    owner = place_in(tmp_path, schema_url)
    elsewhere = Place(tmp_path / "other machine", environ=owner.environ, current=tmp_path, fixed=schema_url)

    async def story() -> object:
        async with asyncio.timeout(SECONDS), workers(elsewhere, "gpu"):
            return (await run(owner, path)).document["outputs"]

    assert asyncio.run(story()) == {"a": "from the repository"}
    assert list((tmp_path / "other machine" / "workspaces").iterdir())


def test_a_process_that_stood_still_sends_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its intent is written, its lease may be over: somebody else may be about to ask the same."""
    clock = [1000.0]
    monkeypatch.setattr(writer, "boot_time", lambda: clock[0])
    intent = CallIntended(1.0, "a", 0, 0, "p/m", "p/m", "f", Money(1), 1)

    async def story() -> None:
        journal = place.store.create_run(run_record("r1"))
        await journal.durable(intent)
        original = journal._writer.settled  # type: ignore[attr-defined]

        def slept() -> asyncio.Future[None]:
            done = original()
            done.add_done_callback(lambda _: clock.__setitem__(0, clock[0] + 25.0))
            return done

        monkeypatch.setattr(journal._writer, "settled", slept)  # type: ignore[attr-defined]
        await journal.durable(NoticeGiven(1.0, "", "what is not sent may be late"))
        with pytest.raises(StoreError, match="stood still"):
            await journal.durable(intent)
        await journal.close()

    asyncio.run(story())


def test_plan_says_where_placed_steps_are_done(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NANO_FLOW_STORE", place.fixed or "")
    monkeypatch.chdir(place.current)
    write(place.current, "name: w\nsteps: {a: {runs_on: gpu, run: [echo, hi]}}\n")
    assert run_command(["plan", "w.yaml"]) == 0
    said = capsys.readouterr().out
    if place.store.embedded:
        assert 'runs_on gpu ("a"): the store is a file of this machine' in said
        assert "it runs here" in said
    else:
        assert "no worker with the label is there; it waits 1h for one" in said
        assert "nano-flow worker --labels gpu" in said


def test_what_needs_no_files_needs_no_workspace(
    tmp_path: Path, schema_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "name: w\nsteps: {a: {runs_on: gpu, steps: {x: {set: {y: 1}}}}}\n")
    monkeypatch.setattr("nano_flow.placed.mark_workspace", lambda prepared: None)
    report, taken = placed_run(place_in(tmp_path, schema_url), path, "gpu")
    assert (report.end.status, taken) == ("succeeded", 1)
