"""No path leads out of the workspace, whatever it is spelt like, and whatever is swapped while it is walked."""

from __future__ import annotations

import csv
import json
import os
import shutil
import threading
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json
from nano_flow.tools.files.tool import FILE_TOOLS, file_tool
from nano_flow.tools.files.workspace import Workspace
from tests.tools.places import SECRET, hostile

__all__ = ["hostile"]

PAYLOADS = Path(__file__).parents[1] / "corpus" / "payloads" / "path_escape.csv"
ROWS = [(json.loads(row["payload_json"]), row["must"]) for row in csv.DictReader(PAYLOADS.open(encoding="utf-8"))]
ARGUMENTS: dict[str, dict[str, Json]] = {
    "read_file": {},
    "write_file": {"content": "canary"},
    "edit_file": {"old": "sk", "new": "no"},
    "list_directory": {},
    "get_file_info": {},
    "search_files": {"text": "sk-"},
}


def call(workspace: Workspace, tool: str, path: str, **more: Json) -> Json:
    work = FILE_TOOLS[tool][1]
    return work(workspace, {**ARGUMENTS[tool], "path": path, **more})


def tree(folder: Path) -> dict[str, str]:
    """Every regular file below ``folder`` and its text."""
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


@pytest.mark.parametrize("tool", FILE_TOOLS)
@pytest.mark.parametrize(("path", "must"), ROWS, ids=[repr(row[0])[:30] for row in ROWS])
def test_no_payload_reads_or_writes_outside(hostile: Workspace, path: str, must: str, tool: str) -> None:
    outside = Path(hostile.root).parent / "out"
    before = tree(outside)
    try:
        result = call(hostile, tool, path)
    except StepError as error:
        assert error.kind == "tool"
        assert str(error).startswith('"')
    else:
        assert SECRET not in json.dumps(result)
        assert "root:" not in json.dumps(result)
    assert tree(outside) == before


@pytest.mark.parametrize(("path", "must"), ROWS, ids=[repr(row[0])[:30] for row in ROWS])
def test_payloads_are_refused_where_they_must_be(hostile: Workspace, path: str, must: str) -> None:
    refused_write = must.startswith(("DENY", "DENY_OR")) and "WINDOWS" not in must
    refused_read = refused_write and must != "DENY_WRITE"
    if refused_write:
        with pytest.raises(StepError):
            call(hostile, "write_file", path)
    else:
        call(hostile, "write_file", path)
        assert call(hostile, "read_file", path) == "canary"
    if refused_read:
        with pytest.raises(StepError):
            call(hostile, "read_file", path)


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".GIT/config",
        ".Git/hooks/x",
        "sub/../.git/x",
        "sub/.git/x",
        ".git /x",
        ".git./x",
        "git~1/x",
        ".git::$INDEX_ALLOCATION/x",
        ".ｇｉｔ/x",
        ".nano-flow/store.db",
        ".Nano-Flow/store.db",
        "routing.yaml",
        "deep/PRICING.YAML",
        "providers.yaml.",
        "workflow.yaml",
        "WORKFLOW.yaml",
        "./sub/../workflow.yaml",
        "state/store.db",
        "State/new/x",
    ],
)
def test_protected_names_are_not_written(hostile: Workspace, path: str) -> None:
    before = tree(Path(hostile.root))
    with pytest.raises(StepError, match="is protected"):
        call(hostile, "write_file", path)
    with pytest.raises(StepError, match="is protected"):
        call(hostile, "edit_file", path)
    assert tree(Path(hostile.root)) == before


@pytest.mark.parametrize("name", [".env", ".env.local", "prod.env", ".ENV", ".envrc", "linked"])
def test_files_of_variables_are_neither_read_nor_written(hostile: Workspace, name: str) -> None:
    folder = Path(hostile.root)
    (folder / ".env").write_text("A_KEY=canary\n")
    (folder / (".env" if name == "linked" else name)).write_text("A_KEY=canary\n")
    (folder / "linked").symlink_to(".env")
    for use in (lambda: hostile.read(name, 100), lambda: hostile.write(name, b"x")):
        with pytest.raises(StepError, match="neither read nor write"):
            use()
    (folder / ".env.example").write_text("A_KEY=\n")
    assert hostile.read(".env.example", 100) == b"A_KEY=\n"


def test_what_is_protected_may_be_read(hostile: Workspace) -> None:
    assert call(hostile, "read_file", "workflow.yaml") == "nano_flow: 1\n"


def test_a_store_around_the_workspace_protects_nothing_in_it(tmp_path: Path) -> None:
    root = tmp_path / "state" / "case"
    root.mkdir(parents=True)
    Workspace(str(root), [str(tmp_path / "state"), str(root)]).write("a", b"x")
    assert (root / "a").read_bytes() == b"x"


def test_links_inside_the_workspace_are_followed(hostile: Workspace) -> None:
    call(hostile, "write_file", "inner/new.txt")
    assert (Path(hostile.root) / "sub" / "new.txt").read_text() == "canary"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("fifo", "is not a regular file"),
        ("sock", "is not a regular file"),
        ("hard", "hard link"),
        ("sub", "is a folder; list_directory lists it"),
        ("missing", "does not exist; list_directory"),
        ("a.txt/b", "leads through something that is not a folder"),
        ("../x", "is outside the workspace"),
        ("a\0b", "is not a path"),
        ("", "is not a path"),
        ("https://example.org/a", "is a URL"),
        ("a\u200bb", r"a\\u200bb\" holds invisible"),
        ("\ud800", "cannot be resolved"),
    ],
)
def test_refusals_tell_a_model_what_is_wrong(hostile: Workspace, path: str, message: str) -> None:
    with pytest.raises(StepError, match=message):
        call(hostile, "read_file", path)


def test_a_path_that_nobody_could_remove_again_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="is too long"):
        Workspace(str(tmp_path)).write("d/" * 3_000 + "x", b"")
    assert not list(tmp_path.iterdir())


def test_a_device_is_not_opened(tmp_path: Path) -> None:
    try:
        os.mknod(tmp_path / "zero", 0o020666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes devices")
    with pytest.raises(StepError, match="not a regular file"):
        Workspace(str(tmp_path)).read("zero", 10)


@pytest.mark.parametrize("tool", ["read_file", "write_file"])
def test_a_folder_swapped_for_a_link_between_check_and_use_does_not_win(tmp_path: Path, tool: str) -> None:
    root, out = tmp_path / "ws", tmp_path / "out"
    (root / "d").mkdir(parents=True)
    out.mkdir()
    (root / "d" / "f").write_text("inside")
    (out / "f").write_text(SECRET)
    (root / "link").symlink_to(out)
    workspace = Workspace(str(root))
    checked = Workspace.relative

    def swap_after_the_check(self: Workspace, path: str, *, write: bool = False) -> PurePosixPath:
        found = checked(self, path, write=write)
        (root / "d").rename(root / "was")
        (root / "link").rename(root / "d")
        return found

    with pytest.MonkeyPatch.context() as patch, pytest.raises(StepError):
        patch.setattr(Workspace, "relative", swap_after_the_check)
        call(workspace, tool, "d/f")
    assert (out / "f").read_text() == SECRET


@pytest.mark.parametrize("tool", ["read_file", "write_file", "search_files"])
def test_a_thread_that_keeps_swapping_links_never_wins(tmp_path: Path, tool: str) -> None:
    root, out = tmp_path / "ws", tmp_path / "out"
    (root / "d").mkdir(parents=True)
    out.mkdir()
    (root / "d" / "f").write_text("inside")
    (out / "f").write_text(SECRET)
    (root / "link").symlink_to(out)
    workspace = Workspace(str(root))
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            for one, other in (("d", "t"), ("link", "d"), ("d", "link"), ("t", "d")):
                try:
                    os.rename(root / one, root / other)
                except OSError:  # write_file made the folder anew
                    shutil.rmtree(root / other, ignore_errors=True)

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        for _ in range(300):
            try:
                result = call(workspace, tool, "d/f")
            except StepError:
                continue
            assert SECRET not in json.dumps(result)
    finally:
        done.set()
        swapper.join()
    assert tree(out) == {"f": SECRET}


def test_a_file_keeps_its_permissions_and_no_draft_stays(hostile: Workspace) -> None:
    script = Path(hostile.root) / "run.sh"
    script.write_text("x")
    script.chmod(0o4775)
    call(hostile, "write_file", "run.sh")
    assert script.stat().st_mode & 0o7777 == 0o775
    script.chmod(0o444)
    with pytest.raises(StepError, match="read-only"):
        call(hostile, "write_file", "run.sh")
    assert not [name for name in os.listdir(hostile.root) if name.endswith(".part")]


def test_a_disk_that_fails_leaves_the_old_file(hostile: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StepError, match="no space left on device"):
        call(hostile, "write_file", "a.txt")
    assert (Path(hostile.root) / "a.txt").read_text() == "one\ntwo\nthree\n"
    assert not [name for name in os.listdir(hostile.root) if name.endswith(".part")]


def test_a_huge_content_is_refused(hostile: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nano_flow.tools.files.workspace.MAX_WRITE", 3)
    with pytest.raises(StepError, match="larger than 3 bytes"):
        call(hostile, "write_file", "a.txt")


def test_one_file_is_one_key_whatever_it_is_called(hostile: Workspace) -> None:
    tool = file_tool("write_file", hostile)
    names = ("sub/x", "./sub//x", "inner/x", f"{hostile.root}/sub/X", "a/../sub/x")
    assert {tool.writes({"path": name}) for name in names} == {"file:sub/x"}
    assert tool.writes({"path": "../x"}) is None
    assert tool.writes({"path": 3}) is None
    assert file_tool("read_file", hostile).writes({"path": "a"}) is None


PARTS = st.sampled_from(
    ["..", ".", "", "sub", "linkdir", "inner", "dangling", "loopa", "hard", "fifo", "a.txt", ".git", "~", "new"]
)
PATHS = st.lists(PARTS | st.text(max_size=5), min_size=1, max_size=6).map("/".join)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(tool=st.sampled_from(sorted(FILE_TOOLS)), path=PATHS)
def test_no_path_that_anybody_thinks_of_leads_out(hostile: Workspace, tool: str, path: str) -> None:
    outside = Path(hostile.root).parent / "out"
    before = tree(outside)
    try:
        result = call(hostile, tool, path)
    except StepError:
        pass
    else:
        assert SECRET not in json.dumps(result)
    assert tree(outside) == before
    assert sorted(os.listdir(outside.parent)) == ["out", "ws"]
    assert sorted(os.listdir(outside.parent / "ws" / ".git")) == ["hooks"]
