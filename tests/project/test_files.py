"""Files that people name: what is wrong with one is said, and nothing outside the project is read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nano_flow.core.errors import DocumentError, StepError
from nano_flow.project import files
from nano_flow.project.commits import commit_of
from nano_flow.project.files import read_attachment, read_document, read_inside, read_text, text_inside

COMMIT, OTHER = "1" * 40, "2" * 40


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, '"w.yaml" does not exist'),
        (lambda path: path.mkdir(), '"w.yaml" is a folder'),
        (os.mkfifo, '"w.yaml" is a FIFO, not a regular file'),
        (lambda path: path.symlink_to(path), '"w.yaml" cannot be read: Too many levels of symbolic links'),
    ],
)
def test_a_document_that_cannot_be_read_is_a_finding(tmp_path: Path, make: Callable[[Path], None], said: str) -> None:
    path = tmp_path / "w.yaml"
    make(path)
    with pytest.raises(DocumentError) as caught:
        read_document(str(path), "w.yaml")
    assert [(found.code, found.message) for found in caught.value.diagnostics] == [("NF101", said)]


def test_a_document_without_permission_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, flags: int) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(DocumentError, match="may not be read"):
        read_document(str(tmp_path / "w.yaml"))


def test_texts_that_are_too_large_or_no_text_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, root = tmp_path / "t.txt", str(tmp_path)
    path.write_bytes(b"\xff")
    for read in (lambda: read_text(str(path)), lambda: text_inside(root, str(path))):
        with pytest.raises(OSError, match="is not UTF-8 text"):
            read()
    monkeypatch.setattr(files, "MAX_DOCUMENT", 3)
    path.write_bytes(b"abcd")
    for read in (lambda: read_text(str(path)), lambda: text_inside(root, str(path))):
        with pytest.raises(OSError, match="larger than 3 bytes"):
            read()
    path.write_bytes(b"abc")
    assert read_text(str(path)) == text_inside(root, str(path)) == "abc"


def test_links_may_lead_anywhere_inside_and_nowhere_else(tmp_path: Path) -> None:
    inside, outside = tmp_path / "project", tmp_path / "secret"
    inside.mkdir()
    outside.write_text("secret")
    (inside / "real").write_text("mine")
    (inside / "near").symlink_to("real")
    (inside / "far").symlink_to(outside)
    (inside / "folder").mkdir()
    assert read_inside(str(inside), str(inside / "near")) == b"mine"
    assert read_attachment(str(inside), "near") == b"mine"
    with pytest.raises(OSError, match="leads out of the project through a link"):
        read_inside(str(inside), str(inside / "far"))
    for path in ("far", "../secret", str(outside)):
        with pytest.raises(StepError, match="is outside the workspace"):
            read_attachment(str(inside), path)


def test_only_regular_files_of_a_bearable_size_are_attached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_ATTACHMENT", 3)
    (tmp_path / "large").write_bytes(b"abcd")
    os.mkfifo(tmp_path / "pipe")
    for path, said in (("large", "larger than 3 bytes"), ("pipe", "not a regular file"), ("gone", "No such file")):
        with pytest.raises(StepError, match=said):
            read_attachment(str(tmp_path), path)
    with pytest.raises(OSError, match="is not a regular file"):
        read_inside(str(tmp_path), str(tmp_path / "pipe"))


def test_a_policy_outside_any_checkout_has_no_commit(tmp_path: Path) -> None:
    assert commit_of(str(tmp_path / "routing.yaml")) is None


@pytest.mark.parametrize(
    ("written", "commit"),
    [
        ({"HEAD": COMMIT}, COMMIT),
        ({"HEAD": "ref: refs/heads/main", "refs/heads/main": COMMIT}, COMMIT),
        ({"HEAD": "ref: refs/heads/main", "packed-refs": f"# pack\n{OTHER} refs/heads/a-main\n"}, None),
        ({"HEAD": "ref: refs/heads/main", "packed-refs": f"{OTHER} refs/tags/v1\n{COMMIT} refs/heads/main\n"}, COMMIT),
        ({"HEAD": "ref: refs/heads/main"}, None),
        ({"HEAD": ""}, None),
        ({}, None),
    ],
    ids=["detached", "loose", "another", "packed", "unborn", "empty", "broken"],
)
def test_the_commit_of_a_checkout_is_read_without_git(
    tmp_path: Path, written: dict[str, str], commit: str | None
) -> None:
    for name, text in written.items():
        path = tmp_path / ".git" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    (tmp_path / ".git").mkdir(exist_ok=True)
    (tmp_path / "deep").mkdir()
    assert commit_of(str(tmp_path / "deep" / "routing.yaml")) == commit


def test_the_commit_of_a_worktree_is_that_of_its_own_branch(tmp_path: Path) -> None:
    common, own = tmp_path / "repo" / ".git", tmp_path / "repo" / ".git" / "worktrees" / "tree"
    (common / "refs" / "heads").mkdir(parents=True)
    own.mkdir(parents=True)
    (common / "HEAD").write_text(f"{OTHER}\n")
    (common / "refs" / "heads" / "side").write_text(f"{COMMIT}\n")
    (own / "HEAD").write_text("ref: refs/heads/side\n")
    (own / "commondir").write_text("../..\n")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / ".git").write_text(f"gitdir: {own}\n")
    assert commit_of(str(tmp_path / "tree" / "routing.yaml")) == COMMIT
