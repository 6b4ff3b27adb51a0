"""The examples of docs/: each workflow does what the case below it says; the joins are the tested ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

import pytest

from tests.house.tree import ROOT
from tests.runtime.test_state import BAD, GOOD, SKIP, TABLE, TOLERATED, UPSTREAM
from tests.workflows.scenarios import problems

_PAIR = re.compile(
    r"^```yaml\n(?P<workflow>(?:(?!```).*\n)*)```\n\n```case\n(?P<case>(?:(?!```).*\n)*)```$", re.MULTILINE
)
_WORDS = {id(GOOD): "succeeded", id(BAD): "failed", id(TOLERATED): "tolerated", id(SKIP): "skipped"}
_VERDICTS = {"start": "starts", "trigger_rule": "skipped", "upstream_failed": "upstream_failed"}


def pairs() -> Iterator[tuple[str, str, str]]:
    for page in sorted((ROOT / "docs").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        for found in _PAIR.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            yield f"{page.name}:{line}", found["workflow"], found["case"]


@pytest.mark.parametrize(("place", "workflow", "case"), [pytest.param(*pair, id=pair[0]) for pair in pairs()])
def test_an_example_does_what_its_case_says(place: str, workflow: str, case: str, tmp_path: Path) -> None:
    text = f"{workflow}=== test.yaml\ncases:\n  {place.partition(':')[0]}:\n{indent(case, '    ')}"
    assert "\n".join(problems(text, tmp_path)) == ""


def test_the_page_of_joins_holds_every_tested_row() -> None:
    page = (ROOT / "docs" / "joins.md").read_text(encoding="utf-8")
    for rule, outcomes, verdict in TABLE:
        one, other = (_WORDS.get(id(o), "upstream_failed" if o is UPSTREAM else "?") for o in outcomes)
        assert f"| `{rule}` | {one} | {other} | {_VERDICTS[verdict]} |" in page
