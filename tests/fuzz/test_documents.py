"""Documents that somebody mutated are judged in time, with a place, and never by a trace."""

from __future__ import annotations

import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nano_flow.core.errors import DocumentError
from nano_flow.documents.load import load_workflow
from tests.fuzz.cases import fuzzed

ROOT = Path(__file__).parents[2]
SEEDS = sorted(path.read_text("utf-8") for path in (ROOT / "workflows").glob("*.yaml"))
YAML = [
    "[",
    "]",
    "{",
    "}",
    "&a",
    "*a",
    "!!python/object:os.system",
    "null",
    "~",
    "'",
    '"',
    "<<:",
    "- ",
    ": ",
    "\n",
    "\t",
]
OURS = [
    "{{",
    "}}",
    "{%",
    "1e999",
    "-1",
    "0s",
    "true",
    "steps:",
    "prompt:",
    "for_each: range(9)",
    "😀",
    "\x00",
    "\ud7ff",
]
PIECES = st.sampled_from([*YAML, *OURS])


@st.composite
def mutated(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        cut = draw(st.integers(0, 12))
        text = text[:at] + draw(PIECES) * draw(st.integers(0, 2)) + text[at + cut :]
    return text


@fuzzed(200)
@given(mutated())
def test_a_mutated_document_is_accepted_or_refused_with_its_place(text: str) -> None:
    started = time.thread_time()
    try:
        load_workflow(text.encode("utf-8", "surrogatepass"), "w.yaml")
    except DocumentError as error:
        assert error.diagnostics
        for found in error.diagnostics:
            assert (found.where.file, found.where.line >= 1, found.where.column >= 1) == ("w.yaml", True, True)
            assert found.code.startswith("NF")
    assert time.thread_time() - started < 5
