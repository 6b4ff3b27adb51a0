"""Every example of docs/expressions.md does what the page says, and the page leaves no filter or test out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nano_flow.core.diagnostics import SourceRange
from nano_flow.core.errors import DocumentError, StepError
from nano_flow.runtime.templates import render
from nano_flow.source.expressions import check_template
from nano_flow.source.guard.vocabulary import FILTERS, LOOP_MEMBERS, TAGS, TESTS

PAGE = (Path(__file__).parents[2] / "docs" / "expressions.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
NAMES = json.loads(next(text for language, text in BLOCKS if language == "json"))


def examples() -> list[tuple[str, str]]:
    found = []
    for language, text in BLOCKS:
        lines: list[str] = []
        for line in text.splitlines() if language == "jinja" else ():
            template, arrow, expected = line.partition("→ ")
            lines.append(template[:-1] if arrow and template else template if arrow else line + "\n")
            if arrow:
                found.append(("".join(lines).removesuffix("\n"), expected))
                lines = []
        assert not lines, f"no arrow behind {lines}"
    return found


def test_there_are_examples() -> None:
    assert len(examples()) > 80


@pytest.mark.parametrize(("source", "expected"), examples(), ids=[source for source, _ in examples()])
def test_an_example(source: str, expected: str) -> None:
    where = SourceRange("docs/expressions.md", 1, 1, 1, 1)
    if expected.startswith("refused: "):
        with pytest.raises(DocumentError) as refused:
            check_template(source, where)
        assert expected.removeprefix("refused: ") in str(refused.value)
    elif expected.startswith("error: "):
        with pytest.raises(StepError) as failed:
            render(check_template(source, where), NAMES)
        assert expected.removeprefix("error: ") in str(failed.value)
    else:
        assert render(check_template(source, where), NAMES) == json.loads(expected)


def test_the_page_names_all_words_of_the_language() -> None:
    sources = " ".join(source for source, _ in examples())
    assert {name for name in FILTERS if not re.search(rf"\| {name}\b", sources)} == set()
    assert {
        name for name in TESTS | LOOP_MEMBERS | set(TAGS) if f"`{name}`" not in PAGE and name not in sources
    } == set()
