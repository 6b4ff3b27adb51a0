"""``workspace: fresh`` and ``workspace: {git: …}``: made for the run, kept while it can go on, then removed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.said import Said

HEAD = "nano_flow: 1\nname: w\nworkspace: {git: ./repo, ref: side}\nsteps:\n"


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    Path("routing.yaml").write_text("nano_flow: 1\nextends: shipped\n")
    return Said(capsys)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    _git(folder, "init", "-q", "-b", "main")
    _commit(folder, "one")
    _git(folder, "checkout", "-q", "-b", "side")
    _commit(folder, "two")
    _git(folder, "checkout", "-q", "main")
    return folder


def _git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=n", "-c", "user.email=n@example.com")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def _commit(folder: Path, text: str) -> None:
    (folder / "a.txt").write_text(text)
    _git(folder, "add", "a.txt")
    _git(folder, "commit", "-q", "-m", text)


def _own() -> list[Path]:
    return sorted(Path(".nano-flow/workspaces").glob("*"))


def test_a_checkout_stays_while_the_run_waits_and_goes_when_it_is_done(said: Said, repo: Path) -> None:
    steps = "  a: {run: 'cat a.txt; echo new > b.txt'}\n  ask: {needs: [a], approve: {message: go}}\n"
    Path("w.yaml").write_text(f"{HEAD}{steps}  b: {{needs: [ask], run: [cat, b.txt]}}\n")
    said("run", "w.yaml", code=6)
    assert "a checkout of" in said.err and len(_own()) == 1
    _git(repo, "checkout", "-q", "side")
    _commit(repo, "three")  # a branch that moves does not move the run
    said("approvals", "answer", "last", "ask", "approve")
    done = said.json("resume", "last")
    assert [row["output"]["stdout"] for row in done["steps"] if row["kind"] == "run"] == ["two", "new"]
    assert _own() == [] and not (repo / "b.txt").exists()


def test_where_the_folder_is_gone_it_is_made_again_at_the_same_commit(said: Said, repo: Path) -> None:
    Path("w.yaml").write_text(f"{HEAD}  ask: {{approve: {{message: go}}}}\n  a: {{needs: [ask], run: [cat, a.txt]}}\n")
    said("run", "w.yaml", code=6)
    _git(repo, "checkout", "-q", "side")
    _commit(repo, "three")
    shutil.rmtree(".nano-flow/workspaces")
    said("approvals", "answer", "last", "ask", "approve")
    assert said.json("resume", "last")["outputs"]["a"]["stdout"] == "two"
    assert said.json("runs", "rerun", "last", code=6)["status"] == "paused"
    said("approvals", "answer", "last", "ask", "approve")
    assert said.json("resume", "last")["outputs"]["a"]["stdout"] == "three"


def test_a_failed_run_keeps_its_folder_until_it_is_pruned(said: Said) -> None:
    fresh = HEAD.replace("{git: ./repo, ref: side}", "fresh")
    Path("w.yaml").write_text(f"{fresh}  a: {{run: [touch, made]}}\n  b: {{needs: [a], run: 'test -f more'}}\n")
    said("run", "w.yaml", code=1)
    (folder,) = _own()
    assert [path.name for path in folder.iterdir()] == ["made"]
    (folder / "more").touch()
    said("resume", "last")
    assert _own() == []
    said("run", "w.yaml", code=1)
    said("runs", "prune", "--keep", "0")
    assert _own() == []


def test_what_git_cannot_do_is_told_in_its_words_and_nothing_ran(said: Said, repo: Path) -> None:
    Path("w.yaml").write_text(HEAD.replace("side", "gone") + "  a: {run: [true]}\n")
    said("run", "w.yaml", code=2)
    assert 'has no branch, tag or commit "gone"' in said.err
    shutil.rmtree(repo)
    said("run", "w.yaml", code=2)
    assert "does not exist" in said.err and _own() == []
    assert said.json("runs", "list")["runs"] == []


def test_offline_fetches_nothing(said: Said) -> None:
    text = HEAD.replace("./repo", "https://git.example.invalid/x.git") + "  a: {run: [ls]}\n"
    Path("w.yaml").write_text(text)
    assert said.json("run", "w.yaml", "--offline")["outputs"]["a"]["stdout"] == ""
    assert "--offline fetches nothing" in said.err
