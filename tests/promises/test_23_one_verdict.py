"""Promise 23: validate, plan, run, the doctor and the library accept and refuse the same documents, for one reason."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

import nano_flow
from nano_flow.cli.main import run_command
from nano_flow.core.errors import DocumentError, UsageError
from nano_flow.locate import POLICY_NAMES
from nano_flow.project.commits import commit_of

WORKFLOW = "nano_flow: 1\nname: w\nsteps: {a: {prompt: hello}}\n"


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


UNREADABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a link to nowhere": (lambda path: path.symlink_to("not-checked-out/file.yaml"), "is a link to nowhere"),
    "a link in a circle": (lambda path: path.symlink_to(path.name), "cannot be read"),
    "a folder": (lambda path: path.mkdir(), "is a folder"),
    "a link to a folder": (lambda path: path.symlink_to("."), "is a folder"),
    "a FIFO": (os.mkfifo, "is a FIFO, not a regular file"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "is a device, not a regular file"),
    "a socket": (_socket, "cannot be read"),
    "a path through a file": (lambda path: path.symlink_to("w.yaml/x"), "cannot be read"),
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.yaml").write_text(WORKFLOW)
    return tmp_path


@pytest.mark.parametrize("name", POLICY_NAMES)
@pytest.mark.parametrize("form", UNREADABLE)
def test_a_policy_file_that_cannot_be_read_is_refused_by_everybody(
    project: Path, name: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make, said = UNREADABLE[form]
    make(project / name)
    for words in (["validate"], ["plan", "w.yaml"], ["run", "w.yaml", "--offline"], ["policy", "explain", "hello"]):
        assert run_command(words) == 3, words
        told = capsys.readouterr()
        assert f'"{name}" {said}' in told.out + told.err, words
    with pytest.raises(DocumentError, match=said):
        nano_flow.run("w.yaml", options=nano_flow.RunOptions(offline=True))
    assert not (project / ".nano-flow").exists()


@pytest.mark.parametrize("form", UNREADABLE)
def test_a_service_file_that_cannot_be_read_is_refused_by_everybody(
    project: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make, said = UNREADABLE[form]
    make(project / "service.yaml")
    for words in (["validate", "w.yaml"], ["plan", "w.yaml"], ["run", "w.yaml", "--offline"]):
        assert run_command(words) == 3, words
        told = capsys.readouterr()
        assert f'"service.yaml" {said}' in told.out + told.err, words


def test_the_doctor_says_the_same(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "routing.yaml").symlink_to("gone")
    assert run_command(["doctor"]) == 1
    assert "is a link to nowhere" in capsys.readouterr().out


def test_a_config_dir_counts_as_much(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "conf").mkdir()
    (project / "conf" / "routing.yaml").symlink_to("gone")
    assert run_command(["run", "w.yaml", "--offline", "--config-dir", "conf"]) == 3
    assert '"conf/routing.yaml" is a link to nowhere' in capsys.readouterr().err


@pytest.mark.parametrize("form", UNREADABLE)
def test_a_learned_score_that_cannot_be_read_is_refused(
    project: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "routing.yaml").write_text(
        "nano_flow: 1\ncomplexity: {learned: {file: score.yaml}}\ntiers: {one: {models: [sim/small]}}\n"
    )
    UNREADABLE[form][0](project / "score.yaml")
    for words in (["validate"], ["plan", "w.yaml"], ["run", "w.yaml", "--offline"]):
        assert run_command(words) == 3, words
        told = capsys.readouterr()
        assert '"score.yaml" cannot be used' in told.out + told.err, words


@pytest.mark.parametrize("form", UNREADABLE)
def test_an_env_file_that_cannot_be_read_is_refused_at_once(
    project: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    UNREADABLE[form][0](project / "my.env")
    assert run_command(["--env-file", "my.env", "run", "w.yaml", "--offline"]) == 2
    assert "my.env" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["HEAD", "refs/heads/main", "packed-refs", "commondir"])
@pytest.mark.parametrize("target", ["/dev/zero", "/proc/self/environ", "gone", "fifo"])
def test_what_stands_in_git_is_read_within_bounds_and_only_a_commit_is_kept(
    project: Path, name: str, target: str
) -> None:
    git = project / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    os.mkfifo(git / "fifo")
    path = git / name
    path.unlink(missing_ok=True)
    path.symlink_to(git / "fifo" if target == "fifo" else target)
    assert commit_of(str(project / "routing.yaml")) is None


def test_a_git_that_leads_nowhere_does_not_hide_the_policies_above_the_workflow(project: Path) -> None:
    (project / ".git").symlink_to("gone")
    (project / "routing.yaml").mkdir()
    (project / "flows").mkdir()
    (project / "flows" / "w.yaml").write_text(WORKFLOW)
    os.chdir(project / "flows")
    with pytest.raises(DocumentError, match="is a folder"):
        nano_flow.run("w.yaml", options=nano_flow.RunOptions(offline=True))


def test_what_a_person_types_may_be_a_pipe(project: Path) -> None:
    (project / "w.yaml").write_text(
        "nano_flow: 1\nname: w\ninputs: {x: {type: string}}\nsteps: {a: {set: {x: '{{ inputs.x }}'}}}\n"
    )
    reading, writing = os.pipe()
    os.write(writing, b"from a pipe")
    os.close(writing)
    try:
        assert run_command(["run", "w.yaml", "-i", f"x=@/dev/fd/{reading}", "-q"]) == 0
    finally:
        os.close(reading)


def test_a_config_dir_that_is_none_is_wrong_usage(project: Path) -> None:
    with pytest.raises(UsageError):
        nano_flow.run("w.yaml", where=nano_flow.Where(config_dir=project / "gone"))
