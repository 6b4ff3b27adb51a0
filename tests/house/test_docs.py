"""What README and docs show works: each code block is tried, each error code has its page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.pages import Block, Project, blocks, failures_of, without_figures
from tests.house.tree import ENGINE, ROOT, modules, named

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_CODE = re.compile(r"\bNF[1-9]\d\d\b")
_LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_block_of_a_page_works(page: Path, tmp_path: Path) -> None:
    found = [block for block in blocks(page) if not block.left_out]
    if not found:
        return
    assert failures_of(found, Project(tmp_path)) == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    targets = _LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_readme_shows_commands_output_and_a_workflow() -> None:
    assert {"console", "yaml"} <= {block.language for block in blocks(ROOT / "README.md")}


def test_every_error_code_has_a_page_and_every_page_a_code() -> None:
    used: dict[str, str] = {}
    for path in modules(ENGINE):
        for code in _CODE.findall(path.read_text(encoding="utf-8")):
            used.setdefault(code, named(path))
    errors = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    explained = re.findall(r"^## (NF\d\d\d)\b", errors, re.MULTILINE)
    assert {code: where for code, where in used.items() if code not in explained} == {}
    assert sorted(set(explained) - set(used)) == []
    assert sorted(explained) == sorted(set(explained))


def test_a_document_that_is_wrong_is_named_among_sound_ones(tmp_path: Path) -> None:
    sound = "nano_flow: 1\nname: a\nsteps: {a: {run: [echo, hi]}}\n"
    texts = [sound, sound.replace("run:", "ran:"), sound]
    found = [Block("p.md", number, "yaml", text, left_out=False) for number, text in enumerate(texts)]
    assert list(failures_of(found, Project(tmp_path))) == ["p.md:1"]


def test_figures_are_evened_out_and_words_are_not() -> None:
    assert without_figures("run 3f9a2c1d  took 1.25 s\n\n") == ["run # took # s"]
    assert without_figures("took 2s") == without_figures("took 240ms")
    assert without_figures("took 2 s") != without_figures("took 2 calls")


def test_blocks_are_found_with_their_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.house.pages.ROOT", tmp_path)
    page = tmp_path / "p.md"
    page.write_text("a\n```sh\ntrue\n```\n<!-- not run: it needs a key -->\n```python\nx\n```\n```text\ny\n```\n")
    assert blocks(page) == [
        Block("p.md", 2, "sh", "true\n", left_out=False),
        Block("p.md", 6, "python", "x\n", left_out=True),
    ]
