"""What file tools do for a model: reading in parts, edits that say what is wrong, searches that end."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from nano_flow.core.errors import OutputLimit, StepError
from nano_flow.core.messages import Json
from nano_flow.tools.files import reading, searching
from nano_flow.tools.files.tool import FILE_TOOLS, file_tool
from nano_flow.tools.files.workspace import Workspace
from nano_flow.tools.processes.local import LocalCommands
from nano_flow.tools.table import builtin_tools


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(str(tmp_path))


def call(workspace: Workspace, tool: str, **arguments: Json) -> Json:
    return asyncio.run(file_tool(tool, workspace).call(arguments))


def put(workspace: Workspace, name: str, data: bytes | str) -> None:
    path = Path(workspace.root) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def test_every_file_tool_is_a_builtin_and_says_whether_it_repeats(workspace: Workspace) -> None:
    tools = {
        name: make(()) for name, make in builtin_tools(workspace, LocalCommands(), {}).items() if name in FILE_TOOLS
    }
    assert {name for name, tool in tools.items() if not tool.repeatable} == {"write_file", "edit_file"}
    assert all(tool.spec.parameters["additionalProperties"] is False for tool in tools.values())


class TestReading:
    def test_whole_and_in_parts(self, workspace: Workspace) -> None:
        put(workspace, "a", "1\n2\n3\n4")
        assert call(workspace, "read_file", path="a") == "1\n2\n3\n4"
        assert call(workspace, "read_file", path="a", first_line=2, lines=2) == "2\n3\n"
        assert call(workspace, "read_file", path="a", first_line=4) == "4"
        assert call(workspace, "read_file", path="a", lines=1) == "1\n"
        with pytest.raises(StepError, match=r"has 4 lines, none from 9 on"):
            call(workspace, "read_file", path="a", first_line=9)

    def test_binary_and_odd_bytes(self, workspace: Workspace) -> None:
        put(workspace, "b", b"\x7fELF\0\0")
        put(workspace, "l", b"caf\xe9")
        with pytest.raises(StepError, match="is a binary file"):
            call(workspace, "read_file", path="b")
        with pytest.raises(StepError, match="is a binary file"):
            call(workspace, "read_file", path="b", lines=1)
        assert call(workspace, "read_file", path="l") == "caf\ufffd"

    def test_a_huge_file_is_read_up_to_the_cap(self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reading, "READ_CAP", 10)
        monkeypatch.setattr(reading, "_SCANNED", 40)
        put(workspace, "big", "".join(f"{n:04}\n" for n in range(100)))
        with pytest.raises(OutputLimit, match='"big" is larger than 10 bytes; "first_line" and "lines"') as whole:
            call(workspace, "read_file", path="big")
        assert whole.value.partial == "0000\n0001\n"
        with pytest.raises(OutputLimit, match="they end before line 5") as some:
            call(workspace, "read_file", path="big", first_line=3)
        assert some.value.partial == "0002\n0003\n"
        with pytest.raises(StepError, match="too large to look for a line"):
            call(workspace, "read_file", path="big", first_line=50)

    def test_a_sparse_terabyte_costs_nothing(self, workspace: Workspace) -> None:
        put(workspace, "sparse", "text\n")
        os.truncate(Path(workspace.root) / "sparse", 1 << 40)
        with pytest.raises(StepError, match="binary"):
            call(workspace, "read_file", path="sparse")

    def test_folders(self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
        put(workspace, "sub/x", "")
        put(workspace, "b", "")
        (Path(workspace.root) / "link").symlink_to("b")
        os.mkfifo(Path(workspace.root) / "pipe")
        os.close(os.open(os.path.join(os.fsencode(workspace.root), b"\xff\n"), os.O_CREAT))
        listed = ["b", "link@", "pipe?", "sub/", "\\xff\\n"]
        assert call(workspace, "list_directory") == listed
        assert call(workspace, "list_directory", path="sub") == ["x"]
        monkeypatch.setattr(reading, "_ENTRIES", 2)
        with pytest.raises(OutputLimit, match="more than 2 entries") as many:
            call(workspace, "list_directory", path=".")
        assert isinstance(many.value.partial, list) and len(many.value.partial) == 2
        with pytest.raises(StepError, match="not a folder"):
            call(workspace, "list_directory", path="b")

    def test_info(self, workspace: Workspace) -> None:
        put(workspace, "a", "12345")
        os.utime(Path(workspace.root) / "a", (0, 86_400))
        os.mkfifo(Path(workspace.root) / "pipe")
        info = {"path": "a", "kind": "file", "size": 5, "modified_at": "1970-01-02T00:00:00.000Z"}
        assert call(workspace, "get_file_info", path="a") == info
        kinds = [call(workspace, "get_file_info", path=path) for path in (".", "pipe")]
        assert [info["kind"] for info in kinds if isinstance(info, dict)] == ["folder", "other"]


class TestWriting:
    def test_folders_are_made(self, workspace: Workspace) -> None:
        assert call(workspace, "write_file", path="a/b/c.txt", content="ü") == "wrote 2 bytes to a/b/c.txt"
        assert call(workspace, "read_file", path="a/b/c.txt") == "ü"

    def test_half_characters_do_no_harm(self, workspace: Workspace) -> None:
        call(workspace, "write_file", path="a", content="x\ud800y")
        assert call(workspace, "read_file", path="a") == "x?y"
        with pytest.raises(StepError, match="lone surrogate"):
            call(workspace, "edit_file", path="a", old="x", new="\ud800")

    def test_an_edit_replaces_one_place(self, workspace: Workspace) -> None:
        put(workspace, "a", "one two one")
        assert call(workspace, "edit_file", path="a", old="two", new="2") == "edited a"
        with pytest.raises(StepError, match=r'stands in "a" 2 times; add lines .* "all": true'):
            call(workspace, "edit_file", path="a", old="one", new="1")
        assert call(workspace, "edit_file", path="a", old="one", new="1", all=True) == "edited a in 2 places"
        assert call(workspace, "read_file", path="a") == "1 2 1"

    @pytest.mark.parametrize(
        ("old", "hint"),
        [
            ("def f(x):\n  pass", "line 2 is similar, but blanks"),
            ("def g(y):", r'nearest is line 2: "def f\(x\):"'),
            ("nothing like it at all", 'in "a"$'),
        ],
    )
    def test_an_edit_that_fails_says_what_is_there(self, workspace: Workspace, old: str, hint: str) -> None:
        put(workspace, "a", "import os\ndef f(x):\n    return 1\n")
        with pytest.raises(StepError, match=hint):
            call(workspace, "edit_file", path="a", old=old, new="")

    def test_edits_that_are_none(self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
        put(workspace, "a", "x")
        put(workspace, "b", b"x\0")
        with pytest.raises(StepError, match='"old" is empty; write_file'):
            call(workspace, "edit_file", path="a", old="", new="y")
        with pytest.raises(StepError, match="binary"):
            call(workspace, "edit_file", path="b", old="x", new="y")
        monkeypatch.setattr("nano_flow.tools.files.editing.READ_CAP", 0)
        with pytest.raises(StepError, match="larger than 0 bytes"):
            call(workspace, "edit_file", path="a", old="x", new="y")

    def test_line_ends_and_odd_bytes_stay(self, workspace: Workspace) -> None:
        put(workspace, "a", b"a\r\nb\r\nc\xe9\r\n")
        call(workspace, "edit_file", path="a", old="a\nb\n", new="A\nB\nX\n")
        assert (Path(workspace.root) / "a").read_bytes() == b"A\r\nB\r\nX\r\nc\xe9\r\n"

    def test_edits_side_by_side_lose_nothing(self, workspace: Workspace) -> None:
        put(workspace, "a", "".join(f"<{n}>" for n in range(40)))
        tool = file_tool("edit_file", workspace)

        async def all_at_once() -> None:
            calls = [tool.call({"path": "a", "old": f"<{n}>", "new": f"[{n}]"}) for n in range(40)]
            await asyncio.gather(*calls)

        asyncio.run(all_at_once())
        assert call(workspace, "read_file", path="a") == "".join(f"[{n}]" for n in range(40))


class TestSearching:
    @pytest.fixture(autouse=True)
    def files(self, workspace: Workspace) -> None:
        put(workspace, "a.py", "import os\nNeedle = 1\n")
        put(workspace, "src/deep/b.py", "  needle()  \n")
        put(workspace, "src/c.txt", "no\n" + "x" * 400 + "needle" + "y" * 400)
        put(workspace, "node_modules/d.py", "needle")
        put(workspace, "bin", b"needle\0")
        (Path(workspace.root) / "up").symlink_to("..")
        os.mkfifo(Path(workspace.root) / "pipe")

    def test_lines(self, workspace: Workspace) -> None:
        found = call(workspace, "search_files", text="NEEDLE")
        long = "…" + "x" * 150 + "needle" + "y" * 144 + "…"
        assert found == ["a.py:2: Needle = 1", f"src/c.txt:2: {long}", "src/deep/b.py:1: needle()"]

    @pytest.mark.parametrize(
        ("glob", "names"),
        [
            ("*.py", ["a.py", "src/deep/b.py"]),
            ("**/*.py", ["a.py", "src/deep/b.py"]),
            ("src/**/*.txt", ["src/c.txt"]),
            ("src/*", ["src/c.txt", "src/deep/b.py"]),
            ("*.rs", []),
        ],
    )
    def test_files_by_name(self, workspace: Workspace, glob: str, names: list[str]) -> None:
        assert call(workspace, "search_files", glob=glob) == names

    def test_below_a_folder_or_in_one_file(self, workspace: Workspace) -> None:
        assert call(workspace, "search_files", text="needle", path="src/deep") == ["src/deep/b.py:1: needle()"]
        assert call(workspace, "search_files", text="needle", path="a.py") == ["a.py:2: Needle = 1"]
        with pytest.raises(StepError, match="does not exist"):
            call(workspace, "search_files", text="needle", path="gone")

    @pytest.mark.parametrize("wanted", [{"text": ""}, {"text": "a\nb"}, {"text": "a", "glob": "*" * 201}])
    def test_searches_that_are_none(self, workspace: Workspace, wanted: dict[str, Json]) -> None:
        with pytest.raises(StepError):
            call(workspace, "search_files", **wanted)

    @pytest.mark.parametrize(
        ("bound", "value", "note"),
        [
            ("_MATCHES", 1, "more than 1 matches"),
            ("_FILES", 1, "the search ended after 1 files"),
            ("_FOLDERS", 1, "the search ended after 1 folders"),
            ("_BYTES", 1, "the search ended after 1 bytes"),
            ("_SECONDS", -1.0, "the search ended after -1 seconds"),
        ],
    )
    def test_bounds(
        self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, bound: str, value: float, note: str
    ) -> None:
        monkeypatch.setattr(searching, bound, value)
        defaults = {"_FILES": "files", "_FOLDERS": "folders", "_BYTES": "bytes"}
        if bound in defaults:
            made = searching.Bounds
            monkeypatch.setattr(
                searching, "Bounds", lambda until, stopped: made(until, stopped, **{defaults[bound]: value})
            )
        with pytest.raises(OutputLimit, match=note) as raised:
            call(workspace, "search_files", text="needle")
        assert isinstance(raised.value.partial, list) and len(raised.value.partial) <= 1

    def test_a_search_that_nobody_waits_for_ends(self, workspace: Workspace) -> None:
        stopped = threading.Event()
        stopped.set()
        with pytest.raises(OutputLimit, match="ended after nothing: it was stopped"):
            searching.search_files(workspace, {"text": "needle"}, stopped)

    def test_cancelling_stops_the_thread(self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
        began, ended = threading.Event(), threading.Event()

        def endless(at: Workspace, start: str, bounds: searching.Bounds) -> list[str]:
            began.set()
            while bounds.ok():
                pass
            ended.set()
            return []

        monkeypatch.setattr(searching, "_files", endless)

        async def cancelled() -> None:
            task = asyncio.ensure_future(file_tool("search_files", workspace).call({"text": "x"}))
            await asyncio.to_thread(began.wait)
            task.cancel()
            await asyncio.wait([task])
            await asyncio.to_thread(ended.wait, 10)

        asyncio.run(cancelled())
        assert ended.is_set()
