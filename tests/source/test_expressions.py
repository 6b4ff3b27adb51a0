"""Templates and expressions that are accepted: their form, their references, and where those stand."""

from __future__ import annotations

import pytest

from nano_flow.core.diagnostics import SourceRange
from nano_flow.core.errors import DocumentError
from nano_flow.source.expressions import Template, check_expression, check_template

WHERE = SourceRange("w.yaml", 3, 11, 3, 90)


def references(source: str) -> tuple[tuple[str, ...], ...]:
    return check_template(source, WHERE).references


@pytest.mark.parametrize(
    ("source", "form"),
    [
        ("", "literal"),
        ("Fix issue #12, please {now}", "literal"),
        ("a } b }} c", "literal"),
        ("{{ inputs.x }}", "value"),
        ("{{inputs.x}}", "value"),
        ("{{ inputs.x }}\n", "value"),
        ("{{ inputs.x | upper }}", "value"),
        ("{{ inputs.x | upper }}\n", "value"),
        ("{{- inputs.x -}}", "value"),
        (" {{ inputs.x }}", "text"),
        ("{{ inputs.x }} ", "text"),
        ("{{ inputs.x }}\n\n", "text"),
        ("{{ inputs.x }}{{ inputs.y }}", "text"),
        ("{% if inputs.x %}y{% endif %}", "text"),
        ("{% raw %}{{ not a template }}{% endraw %}", "text"),
        ("{# only a comment #}", "text"),
        ("{{ inputs.x }} { {{ inputs.y }}", "text"),
    ],
)
def test_the_form_of_a_template(source: str, form: str) -> None:
    assert check_template(source, WHERE).form == form


@pytest.mark.parametrize(
    "source", ["inputs.x", "{{ inputs.x }}", " {{ inputs.x }}\n", "inputs.x\n", "{{ inputs.x + 1 }}", "inputs.x + 1"]
)
def test_an_expression_means_the_same_with_braces_around_it(source: str) -> None:
    checked = check_expression(source, WHERE)
    assert (checked.form, checked.references) == ("expression", (("inputs", "x"),))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("{{ steps.triage.output.files }}", (("steps", "triage", "output", "files"),)),
        ("{{ steps['a'].output }}", (("steps", "a", "output"),)),
        ('{{ inputs["x"]["y"] }}', (("inputs", "x", "y"),)),
        ("{{ steps.a.output.files[0].name }}", (("steps", "a", "output", "files"),)),
        ("{{ steps.a.output[index] }}", (("steps", "a", "output"), ("index",))),
        ("{{ steps.a.output[1:] }}", (("steps", "a", "output"),)),
        ("{{ inputs }}", (("inputs",),)),
        ("{{ item }} {{ item }}", (("item",), ("item",))),
        ("{{ round.previous }}", (("round", "previous"),)),
        ("{% for f in steps.a.output %}{{ f }}{{ loop.index }}{% endfor %}", (("steps", "a", "output"),)),
        ("{% for f in f %}{{ f }}{% endfor %}", (("f",),)),
        ("{% for f in x if f.ok and flag %}{% else %}{{ f }}{% endfor %}", (("x",), ("flag",), ("f",))),
        ("{% for k, v in x | items %}{{ k }}{{ v }}{% endfor %}{{ k }}", (("x",), ("k",))),
        ("{{ a }}{% set a = b %}{{ a }}", (("a",), ("b",))),
        ("{% set a %}{{ b }}{% endset %}{{ a }}", (("b",),)),
        ("{% with a = a %}{{ a }}{% endwith %}{{ a }}", (("a",), ("a",))),
        ("{% filter upper %}{{ a }}{% endfilter %}", (("a",),)),
        ("{% if a %}{% set b = 1 %}{% endif %}{{ b }}", (("a",),)),
        ("{{ [a, {'k': b}, (c, 1)] }}", (("a",), ("b",), ("c",))),
        ("{{ a if b else c }}", (("a",), ("b",), ("c",))),
        ("{{ a | default(b) is none }}", (("a",), ("b",))),
        ("{{ range(n) }}", (("n",),)),
        ("{{ {'a': 1}.a }}", ()),
        ("{% raw %}{{ a }}{% endraw %}", ()),
    ],
)
def test_references(source: str, found: tuple[tuple[str, ...], ...]) -> None:
    assert sorted(references(source)) == sorted(found)


@pytest.mark.parametrize("source", ["Do {{ steps.s.output }} with {{ inputs.x }}", "{{inputs.a}}\n", "a {{ b }} c"])
def test_the_quick_look_and_the_parser_agree(source: str) -> None:
    quick = check_template(source, WHERE)
    slow = check_template(source + "{# #}", WHERE)
    assert (quick.references, quick.offsets) == (slow.references, slow.offsets)


def test_each_reference_knows_its_place() -> None:
    template = check_template("Do {{ steps.a.output }}\nand {{ inputs.x | upper }}", WHERE)
    assert [str(template.reference_range(n)) for n in range(2)] == ["w.yaml:3:17", "w.yaml:4:8"]
    assert template.reference_range(0).end_column == 17 + len("steps.a.output")


def test_a_block_scalar_begins_under_its_header() -> None:
    block = SourceRange("w.yaml", 5, 13, 8, 1)
    template = check_template("one\n{{ inputs.x }}\n", block)
    assert template.reference_range(0).line == 7


def test_the_text_of_a_whole_file_begins_on_its_first_line() -> None:
    template = check_template("one\n{{ inputs.x }}\n", SourceRange("prompts/x.md", 1, 1, 3, 1))
    assert str(template.reference_range(0)) == "prompts/x.md:2:4"


def test_the_caller_may_say_where_a_line_stands() -> None:
    def locate(line: int, column: int) -> SourceRange:
        return SourceRange("w.yaml", 20 + line, 7 + column, 20 + line, 8 + column)

    template = check_template("one\n{{ inputs.x }}", WHERE, locate)
    assert str(template.reference_range(0)) == "w.yaml:21:10"
    with pytest.raises(DocumentError) as caught:
        check_template("one\ntwo {{ 2 ** 3 }}", WHERE, locate)
    assert str(caught.value.diagnostics[0].where) == "w.yaml:21:14"


def test_line_breaks_of_other_systems_keep_the_lines() -> None:
    with pytest.raises(DocumentError) as caught:
        check_template("one\r\ntwo {{ 1 | nope }}", SourceRange("w.yaml", 2, 1, 5, 1))
    assert (str(caught.value.diagnostics[0].where), caught.value.diagnostics[0].code) == ("w.yaml:4:12", "NF402")


def test_templates_are_equal_whatever_locates_them() -> None:
    def locate(line: int, column: int) -> SourceRange:
        return WHERE

    assert check_template("{{ x }}", WHERE, locate) == check_template("{{ x }}", WHERE)
    assert Template("a", "literal", (), WHERE) == check_template("a", WHERE)
