"""Templates and expressions that are refused: the code, the place, and what to type instead."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import pytest

from nano_flow.core.diagnostics import Diagnostic, SourceRange
from nano_flow.core.errors import DocumentError
from nano_flow.source.expressions import Template, check_expression, check_template

PAYLOADS = Path(__file__).parents[1] / "corpus" / "payloads"
WHERE = SourceRange("w.yaml", 3, 1, 3, 90)


def faults(source: str, *, expression: bool = False) -> tuple[Diagnostic, ...]:
    check = check_expression if expression else check_template
    with pytest.raises(DocumentError) as caught:
        check(source, WHERE)
    return caught.value.diagnostics


def rows(name: str) -> list[dict[str, str]]:
    with (PAYLOADS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", rows("condition.csv"), ids=lambda row: row["why"])
def test_conditions_that_others_hang_on(row: dict[str, str]) -> None:
    """Refused at once, or left with a reference that no scope knows, which the compiler refuses."""
    before = time.process_time()
    try:
        known = {path[0] for path in check_expression(row["payload"], WHERE).references}
        assert known & {"nope", "x"}
    except DocumentError as error:
        assert all(d.code.startswith("NF4") and d.where.line == 3 for d in error.diagnostics)
    assert time.process_time() - before < 5  # a hang, not a slow machine


@pytest.mark.parametrize("row", rows("template_injection.csv"), ids=lambda row: row["payload"][:40])
def test_injections_are_refused_or_are_plain_data(row: dict[str, str]) -> None:
    try:
        template: Template | None = check_template(row["payload"], WHERE)
    except DocumentError as error:
        template = None
        assert all(d.code.startswith("NF4") for d in error.diagnostics)
    harmless = row["must"].startswith(("PLAIN_DATA", "RENDER_ONCE"))
    unknown = template is not None and {path[0] for path in template.references} & {"nope", "lipsum"}
    assert (template is not None) == bool(harmless or unknown)


@pytest.mark.parametrize(
    ("source", "code", "column", "hint"),
    [
        ("hi {{ inputs.x", "NF401", 14, "close the tag"),
        ("{% if inputs.x %}y", "NF401", 18, "{% endif %}"),
        ("{% endif %}", "NF401", 4, ""),
        ("{{ 'a }}", "NF401", 4, ""),
        ("{{ [1 }}", "NF401", 7, ""),
        ("{{ }}", "NF401", 4, "close the tag"),
        ("{{ a.b c }}", "NF401", 8, "close the tag"),
        ("{{ '\\ud83d' }}", "NF401", 4, ""),
        ("{# a", "NF401", 4, ""),
        ("{% raw %} {{ a }}", "NF401", 11, ""),
        ("{{ 1 | nosuchfilter }}", "NF402", 8, ""),
        ("{{ 1 | uper }}", "NF402", 8, 'did you mean "upper"?'),
        ("{{ 1 | random }}", "NF402", 8, "same text for the same values"),
        ("{{ 1 | map('nope') }}", "NF402", 13, ""),
        ("{{ 1 | select('nope') }}", "NF402", 16, ""),
        ("{{ 1 | selectattr('a', 'nope') }}", "NF402", 25, ""),
        ("{{ 1 is nope }}", "NF402", 9, ""),
        ("{{ 1 is sameas(2) }}", "NF402", 9, ""),
        ("{{ 2 ** 3 }}", "NF403", 4, ""),
        ("{% import 'a' as b %}", "NF403", 4, ""),
        ("{% from 'a' import b %}", "NF403", 4, ""),
        ("{% call a() %}{% endcall %}", "NF403", 4, ""),
        ("{% block a %}{% endblock %}", "NF403", 4, ""),
        ("{% autoescape true %}{% endautoescape %}", "NF403", 4, ""),
        ("{% for a in b recursive %}{% endfor %}", "NF403", 4, ""),
        ("{% do a %}", "NF403", 4, 'the tags are "for", "if"'),
        ("{% set a.b = 1 %}", "NF403", 8, ""),
        ("{{ a | format(*b) }}", "NF403", 8, ""),
        ("{{ a | map(b) }}", "NF403", 12, ""),
        ("{{ a | map(attribute=b) }}", "NF403", 22, ""),
        ("{{ a | groupby(b) }}", "NF403", 16, ""),
        ("{{ a | match }}", "NF403", 8, ""),
        ("{{ x.upper() }}", "NF404", 6, "use `| upper`"),
        ("{{ x.partition(',') }}", "NF404", 6, "members, not methods"),
        ("{{ len(x) }}", "NF404", 4, "use `| length`"),
        ("{{ (1)(2) }}", "NF404", 7, "`range`"),
        ("{{ range }}", "NF404", 4, "range(10)"),
        ("{{ range() }}", "NF404", 9, "range(10)"),
        ("{% for a in b %}{{ loop.cycle(1) }}{% endfor %}", "NF404", 25, ""),
        ("{{ x.__class__ }}", "NF406", 5, ""),
        ("{{ x['__class__'] }}", "NF406", 5, ""),
        ("{{ _x }}", "NF406", 4, ""),
        ("{{ self }}", "NF406", 4, ""),
        ("{{ a | sort(attribute='b,_c') }}", "NF406", 23, ""),
        ("{% set steps = 1 %}", "NF406", 8, ""),
        ("{% for _a in b %}{% endfor %}", "NF406", 8, ""),
        ("{{ steps }}", "NF407", 4, "steps.ID.output"),
        ("{{ steps | tojson }}", "NF407", 4, "steps.ID.output"),
        ("{{ steps[item].output }}", "NF407", 4, "steps.ID.output"),
        ("{{ loop.index }}", "NF407", 4, ""),
        ("{% for a in b %}{{ loop }}{% endfor %}", "NF407", 20, "index0"),
        ("{% for a in b %}{{ loop.idx }}{% endfor %}", "NF407", 20, "index0"),
        ("{{ a | match('(?=b)') }}", "NF409", 14, ""),
        ("{{ a is match('(') }}", "NF409", 15, ""),
    ],
)
def test_a_fault_and_its_place(source: str, code: str, column: int, hint: str) -> None:
    found = faults(source)[0]
    assert (found.code, found.where.line, found.where.column) == (code, 3, column)
    assert hint in found.hint


@pytest.mark.parametrize(
    ("source", "code", "hint"),
    [
        ("", "NF401", ""),
        ("a && b", "NF401", "`and`"),
        ("a || b", "NF401", "`or`"),
        ("!a", "NF401", "`not`"),
        ("a = 1", "NF401", "`==`"),
        ("a ? b : c", "NF401", "`a if condition else b`"),
        ("${{ a }}", "NF401", "without `$`"),
        ("a matches 'b'", "NF401", "`| match(pattern)`"),
        ("{{ a }} and {{ b }}", "NF408", "without `{{ }}`"),
        ("{% if a %}b{% endif %}", "NF408", "without `{{ }}`"),
    ],
)
def test_expressions_of_other_languages(source: str, code: str, hint: str) -> None:
    found = faults(source, expression=True)[0]
    assert found.code == code
    assert hint in found.hint


@pytest.mark.parametrize(
    "inside",
    [
        "(" * 3000 + "1" + ")" * 3000,
        "[" * 3000 + "]" * 3000,
        "not " * 3000 + "a",
        "-" * 3000 + "1",
        " + ".join("a" * 3000),
        " or ".join("a" * 3000),
        "a" + ".b" * 3000,
        "a" + "[0]" * 3000,
        "a" + " | upper" * 3000,
        "a" + " is odd" * 3000,
        " if b else ".join("a" * 3000),
        " < ".join("a" * 30000),
        " ~ ".join("a" * 30000),
        ", ".join("a" * 30000),
        "9" * 5000,
        "0x" + "f" * 5000,
        "1e999",
        "{" + "'a':{" * 3000,
        "'a'*99999*99999",
        "[0] * 100001",
        "range(10001)",
        "range(0, 10**100, 1)".replace("10**100", "1" + "0" * 30),
        "'x' | center(1001)",
        "'x' | center(width=1001)",
        "'x' | indent(99999)",
        "[1] | batch(10001)",
        "1 | round(31)",
        "'%1001d' | format(1)",
        "'%.9999f' | format(1)",
        "'%*d' | format(9, 1)",
        "'%r' | format(1)",
        "1 | tojson(indent=17)",
    ],
    ids=lambda inside: inside[:20],
)
def test_what_is_too_deep_too_long_or_too_large(inside: str) -> None:
    for found in (faults(f"{{{{ {inside} }}}}"), faults(inside, expression=True)):
        assert found[0].code in ("NF405", "NF401")
        assert "RecursionError" not in str(found)


@pytest.mark.parametrize(
    "source",
    [
        "{% if a %}" * 30 + "{% endif %}" * 30,
        "{% for a in b %}" * 30 + "{% endfor %}" * 30,
        "{% set a %}{% endset %}" * 30 + "{% for a in b %}" * 30 + "{% endfor %}" * 30,
        "{% set a = 1 %}" * 3000,
        "{% for a in range(1001) %}{% for b in range(1000) %}{% endfor %}{% endfor %}",
        "{% if a %}b" + "{% elif a %}b" * 101 + "{% endif %}",
    ],
    ids=["ifs", "fors", "sets", "tags", "product", "elifs"],
)
def test_blocks_are_bounded(source: str) -> None:
    assert [fault.code for fault in faults(source)] == ["NF405"]


def test_all_faults_of_a_template_are_collected_and_bounded() -> None:
    assert [fault.code for fault in faults("{{ a | no }}{{ b.c() }}{{ steps }}")] == ["NF402", "NF404", "NF407"]
    assert len(faults("{{ a | no }}" * 500)) == 20


def test_a_body_that_never_runs_does_not_multiply() -> None:
    opened = "{% for a in range(0) %}{% for b in range(9999) %}{% for c in range(9999) %}"
    nested = opened + "{% endfor %}" * 3
    assert check_template(nested, WHERE).form == "text"


def test_a_deep_nest_of_blocks_is_refused_and_no_recursion_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert faults("{% set a %}" * 1500)[0].code == "NF405"

    def too_deep(parser: object) -> None:
        raise RecursionError

    monkeypatch.setattr("jinja2.parser.Parser.parse_expression", too_deep)
    assert faults("deep + er", expression=True)[0].code == "NF405"


def test_a_template_may_set_what_it_sets_again() -> None:
    source = "{% set a, b = x, 1 %}{% with %}{% set a = 2 %}{{ a }}{% endwith %}{{ b }}"
    assert check_template(source, WHERE).references == (("x",),)


def test_a_template_of_one_tag_that_prints_nothing() -> None:
    assert check_template("{% set a = 1 %}", WHERE).form == "text"
    assert faults("{% set a = 1 %}", expression=True)[0].code == "NF408"
    assert faults("{# nothing #}", expression=True)[0].code == "NF408"
