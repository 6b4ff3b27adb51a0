"""Whatever a model gives a file tool as arguments: it is done inside of the workspace, or refused in words."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json
from nano_flow.tools.files.tool import FILE_TOOLS, file_tool
from nano_flow.tools.files.workspace import Workspace
from tests.fuzz.cases import fuzzed

SECRET = "sk-CANARY-outside"
PARTS = st.sampled_from(
    ["..", ".", "", "a.txt", "sub", "link", "LINK", "~", "\x00", "a\nb", "é", "e\u0301", "con", "/", "\\", "*", "$HOME"]
)
PATHS = st.lists(PARTS, max_size=6).map("/".join) | st.text(max_size=20)
ODD: st.SearchStrategy[Json] = st.sampled_from([None, True, -1, 10**30, 1.5, [], {}, "", "x" * 70_000, "\ud800", ["a"]])


@fuzzed(300)
@given(
    st.sampled_from(sorted(FILE_TOOLS)),
    PATHS,
    st.dictionaries(
        st.sampled_from(["content", "old", "new", "all", "text", "glob", "first_line", "lines"]), ODD, max_size=4
    ),
)
def test_file_tools(name: str, path: str, more: dict[str, Json]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder) / "ws", Path(folder) / "out"
        (root / "sub").mkdir(parents=True)
        out.mkdir()
        (root / "a.txt").write_text("one\ntwo\n")
        (out / "secret.txt").write_text(SECRET)
        (root / "link").symlink_to(out)
        tool = file_tool(name, Workspace(str(root)))
        try:
            result = asyncio.run(_called(tool, {"path": path, **more}))
        except StepError as error:
            result = str(error)
            assert result
        assert SECRET not in str(result)
        assert [each.name for each in out.iterdir()] == ["secret.txt"]
        assert (out / "secret.txt").read_text() == SECRET


async def _called(tool: object, arguments: dict[str, Json]) -> Json:
    from nano_flow.source.json_schema import complaints

    wrong = complaints(arguments, tool.spec.parameters)  # type: ignore[attr-defined]
    if wrong:
        raise StepError("tool", "; ".join(wrong))
    result: Json = await tool.call(arguments)  # type: ignore[attr-defined]
    return result
