"""Diagnostics as text and for machines."""

from __future__ import annotations

from nano_flow.core.diagnostics import Diagnostic, SourceRange
from nano_flow.documents.rendering.machine import diagnostics_json, diagnostics_sarif, github_annotations
from nano_flow.documents.rendering.text import diagnostics_text

TEXT = "a: 1\n\tb: 日本 promt\r\nc: \u202ex\n"
FOUND = Diagnostic(
    "error", "NF203", 'unknown key "promt"', SourceRange("w.yaml", 2, 8, 2, 13), "b", 'did you mean "prompt"?'
)
WARNING = Diagnostic("warning", "NF118", "two\nlines", SourceRange("a,b.yaml", 3, 4, 4, 1))


def read(file: str) -> str | None:
    return TEXT if file == "w.yaml" else None


def test_text_shows_the_line_with_a_caret_below_and_the_hint() -> None:
    assert diagnostics_text([FOUND], read).split("\n") == [
        'w.yaml:2:8  error NF203  unknown key "promt"',
        "     b: 日本 promt",
        "             ^^^^^",
        '    did you mean "prompt"?',
    ]


def test_a_mark_below_wide_characters_counts_columns() -> None:
    where = SourceRange("w.yaml", 2, 5, 2, 7)
    line, caret = diagnostics_text([Diagnostic("error", "NF1", "m", where)], read).split("\n")[1:]
    assert (line, caret) == ("     b: 日本 promt", "        ^^^^")


def test_what_cannot_be_seen_is_escaped_and_the_caret_still_fits() -> None:
    where = SourceRange("w.yaml", 3, 5, 3, 6)
    line, caret = diagnostics_text([Diagnostic("error", "NF1", "m\x1b[0m", where)], read).split("\n")[1:]
    assert (line, caret) == ("    c: \\u202ex", "             ^")
    assert "\\x1b" in diagnostics_text([Diagnostic("error", "NF1", "m\x1b[0m", where)], read)


def test_a_long_line_is_cut_around_the_place() -> None:
    where = SourceRange("w.yaml", 1, 501, 1, 506)
    text = diagnostics_text(
        [Diagnostic("error", "NF1", "m", where)], lambda _: "x" * 500 + "HERE!" + "y" * 500, width=44
    )
    line, caret = text.split("\n")[1:]
    assert len(line) <= 44
    assert line[caret.index("^") :].startswith("HERE!")


def test_a_place_without_a_line_shows_none() -> None:
    nowhere = [Diagnostic("error", "NF1", "m", SourceRange(file, 9, 1, 9, 1)) for file in ("w.yaml", "no.yaml")]
    assert diagnostics_text(nowhere, read) == "w.yaml:9:1  error NF1  m\nno.yaml:9:1  error NF1  m"


def test_colours_are_the_callers() -> None:
    text = diagnostics_text([FOUND], read, paint=lambda text, role: f"<{role}>{text}</>")
    assert "<error>error NF203</>" in text
    assert '<hint>did you mean "prompt"?</>' in text


def test_many_are_counted() -> None:
    assert diagnostics_text([FOUND] * 60, read).endswith("and 10 more; --json lists them")


def test_json() -> None:
    made = diagnostics_json([FOUND], 3)
    assert (made["schema"], made["files"]) == ("nano-flow/diagnostics@1", 3)
    assert made["diagnostics"] == [
        {"severity": "error", "code": "NF203", "message": 'unknown key "promt"', "file": "w.yaml", "line": 2,
         "column": 8, "end_line": 2, "end_column": 13, "address": "b", "hint": 'did you mean "prompt"?'}
    ]  # fmt: skip


def test_github_annotations_are_escaped_and_one_a_line() -> None:
    assert github_annotations([FOUND, WARNING]).split("\n") == [
        "::error file=w.yaml,line=2,endLine=2,col=8,endColumn=13,title=NF203::"
        'unknown key "promt"%0Adid you mean "prompt"?',
        "::warning file=a%2Cb.yaml,line=3,endLine=4,title=NF118::two%0Alines",
    ]


def test_sarif() -> None:
    log = diagnostics_sarif([WARNING, FOUND], "1.2")
    run = log["runs"][0]
    assert (log["version"], run["tool"]["driver"]["version"]) == ("2.1.0", "1.2")
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["NF118", "NF203"]
    assert [(result["ruleId"], result["ruleIndex"], result["level"]) for result in run["results"]] == [
        ("NF118", 0, "warning"),
        ("NF203", 1, "error"),
    ]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a%2Cb.yaml"
    assert place["region"] == {"startLine": 3, "startColumn": 4, "endLine": 4, "endColumn": 1}
