"""Nothing that a template can say hangs or grows without bound: each attempt ends in a typed error."""

from __future__ import annotations

import csv
import time
import tracemalloc
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nano_flow.core.diagnostics import SourceRange
from nano_flow.core.errors import DocumentError, StepError
from nano_flow.runtime.templates import render
from nano_flow.source.expressions import check_expression, check_template

WHERE = SourceRange("w.yaml", 1, 1, 1, 90)
PAYLOADS = Path(__file__).parents[1] / "corpus" / "payloads"
NAMES: dict[str, object] = {
    "inputs": {"text": "{{ 7*7 }}", "list": [1], "obj": {"api_key": "KEY"}},
    "big": list(range(10_000)),
    "long": "ab " * 300_000,
    "n": 999_999_999,
    "x": 3,
}


def outcome(source: str) -> str:
    """``ok`` or the message, without a hang."""
    before = time.process_time()
    try:
        render(check_template(source, WHERE), NAMES)
        message = "ok"
    except DocumentError as error:
        message = str(error.diagnostics[0])
    except StepError as error:
        assert error.kind == "template"
        message = str(error)
    seconds = time.process_time() - before
    assert seconds < 10, f"{seconds:.1f} s"  # it is below two on a quiet machine; a hang is minutes
    return message


DOUBLED_LIST = "{% set a = [1, 2] %}" + "{% set a = [a, a] %}" * 60
DOUBLED_TEXT = "{% set a = 'aaaaaaaa' %}" + "{% set a = a ~ a %}" * 60
SQUARED = "{% set a = 3 %}" + "{% set a = a * a %}" * 60


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ 'a' * n }}", "at most 100,000"),
        ("{{ n * [0] }}", "at most 100,000"),
        ("{{ range(n) }}", "at most 10,000 numbers"),
        ("{{ range(0, -n, -1) }}", "at most 10,000 numbers"),
        (SQUARED, "an integer has at most 4,096 bits"),
        (SQUARED.replace("*", "+"), "ok"),
        (DOUBLED_LIST + "{{ a }}", "too much"),
        (DOUBLED_LIST + "{{ a == [a] }}", "too much"),
        (DOUBLED_LIST + "{{ a | tojson }}", "too much"),
        (DOUBLED_LIST + "{{ a | unique }}", "too much"),
        (DOUBLED_LIST + "{{ a | flatten | length }}", "too much"),
        (DOUBLED_LIST.replace("[a, a]", "{'a': a, 'b': a}") + "{{ a }}", "too much"),
        (DOUBLED_LIST.replace("[a, a]", "a + a") + "{{ a | length }}", "too much"),
        (DOUBLED_TEXT + "{{ a | length }}", "too much text"),
        (DOUBLED_TEXT.replace("~", "+") + "{{ a | length }}", "too much text"),
        (DOUBLED_TEXT.replace("a ~ a", "a | replace('a', 'aaaa')"), "too much text"),
        (DOUBLED_TEXT.replace("a ~ a", "[a, a] | join"), "too much text"),
        ("{% for a in big %}{% for b in big %}{% endfor %}{% endfor %}", "too much"),
        ("{% for a in big %}{% if long == long ~ a %}{% endif %}{% endfor %}", "too much"),
        ("{% for a in big %}{% if 'x' in long %}{% endif %}{% endfor %}", "too much"),
        ("{% for a in big %}{{ long[:a] | length }}{% endfor %}", "too much"),
        ("{% for a in big %}{% set b = big | sort %}{% endfor %}", "too much"),
        ("{% for a in big %}{% set b = long | upper %}{% endfor %}", "too much"),
        ("{% for a in big %}{% set b = long | match('(a|b|c)*d') %}{% endfor %}", "too much"),
        ("{% for a in big %}{% set b = big | map('string') | list %}{% endfor %}", "too much"),
        ("{% for a in big %}{{ 'x' * 100 }}{{ 'y' * 100 }}{% endfor %}", "longer than 1,048,576"),
        ("{% for a in big %}" + "x" * 200 + "{% endfor %}", "longer than 1,048,576"),
        ("{% set z %}{% for a in big %}" + "x" * 3000 + "{% endfor %}{% endset %}", "too much text"),
        ("{{ long }}{{ long }}", "longer than 1,048,576"),
        ("a {{ long }} b {{ long | trim }}", "longer than 1,048,576"),
        ("{{ [long, long] }} as JSON", "longer than 1,048,576"),
        ("{{ (big ~ '') | indent(1000, blank=true) | length }}", "ok"),
        ("{{ (long | replace(' ', '\n')) | indent(1000, blank=true) | length }}", "too much text"),
        ("{{ long | batch(7000, long) | list }}", "too much"),
        ("{{ '%1000s' * 9000 | format(1) }}", ""),
        ("{{ ('%1000s' * 9000) | format(1) }}", "not enough arguments"),
        ("{{ '(' ~ 'a' * 900 ~ ')*' ~ 'b' | match('x') }}", ""),
        ("{{ long | match('(a|b| )*c') }}", "ok"),
        ("{{ long | match('(a+b* )+$') }}", "ok"),
        ("{{ long | striptags | length }}", "ok"),
        ("{{ long | replace('a', '<') | striptags | length }}", "ok"),
        ("{{ long | replace('ab ', '<!--') | striptags | length }}", "ok"),
        ("{{ long | wordwrap(1) | length }}", "ok"),
        ("{{ long | replace(' ', '') | wordwrap(1) | length }}", "ok"),
        ("{{ long | truncate(10) }}", "ok"),
        ("{{ long | title | wordcount }}", "ok"),
        ("{{ ('1' * 5000) | int }}", "ok"),
        ("{{ ('f' * 5000) | int(base=16) }}", "ok"),
        ("{{ ('[' * 90000) | fromjson }}", "nested too deeply"),
        ("{{ ('1' * 5000) | fromjson }}", "w.yaml"),
        ("{{ 1e300 * 1e300 }}", "is no number"),
        ("{{ 10000000000 * 10000000000.5 * 1e300 }}", "is no number"),
    ],
    ids=lambda value: value[-50:] if isinstance(value, str) else "",
)
def test_an_attempt_to_hang_or_to_grow(source: str, message: str) -> None:
    assert message in outcome(source)


@pytest.mark.parametrize(
    "source",
    [
        DOUBLED_LIST + "{{ a }}",
        DOUBLED_TEXT,
        "{{ 'a' * n }}",
        "{% for a in big %}{{ big | list | length }}{% endfor %}",
    ],
    ids=["lists", "texts", "repetition", "copies"],
)
def test_memory_stays_small(source: str) -> None:
    tracemalloc.start()
    try:
        outcome(source)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


def rows(name: str) -> list[dict[str, str]]:
    with (PAYLOADS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", rows("template_injection.csv"), ids=lambda row: row["payload"][:40])
def test_injections(row: dict[str, str]) -> None:
    message = outcome(row["payload"])
    if row["must"].startswith(("PLAIN_DATA", "RENDER_ONCE")):
        assert message == "ok"
    else:
        assert message.startswith("w.yaml:1:")
        assert "KEY" not in message
        assert "Traceback" not in message


@pytest.mark.parametrize("row", rows("condition.csv"), ids=lambda row: row["why"])
def test_conditions_never_turn_out_false_in_silence(row: dict[str, str]) -> None:
    with pytest.raises((DocumentError, StepError)):
        render(check_expression(row["payload"], WHERE), {"steps": {"a": {"output": "q"}}})


ATOMS = st.sampled_from(
    [
        "1",
        "0",
        "-7",
        "2.5",
        "'a'",
        "'%9d'",
        "''",
        "true",
        "none",
        "x",
        "n",
        "big",
        "long",
        "inputs",
        "inputs.list",
        "nope",
    ]
)
OPERATORS = st.sampled_from([" + ", " - ", " * ", " / ", " // ", " % ", " ~ ", " == ", " < ", " in ", " and ", " or "])
FILTERS = st.sampled_from(
    """abs batch(3) capitalize center(9) default(1) dictsort e filesizeformat first flatten float format(1) fromjson
    groupby('a') indent int items join(',') last length list lower map('string') match('a+b') max min
    reject('odd') replace('a','bb') reverse round select sort string striptags sum title tojson trim truncate(9)
    truncate_tokens(5) unique upper urlencode wordcount wordwrap(9)""".split()  # noqa: SIM905
)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, OPERATORS, inner).map(lambda p: f"({''.join(p)})"),
        st.tuples(inner, FILTERS).map(lambda p: f"({p[0]} | {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"[{p[0]}, {p[1]}]"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]})[{p[1]}]"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]})[{p[1]}:]"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        inner.map(lambda p: f"(not {p})"),
        inner.map(lambda p: f"range({p})"),
        inner.map(lambda p: f"({p}).member"),
        inner.map(lambda p: f"({p} is string)"),
    )


EXPRESSIONS = st.recursive(ATOMS, _larger, max_leaves=12)


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(EXPRESSIONS, EXPRESSIONS)
def test_any_expression_ends_with_data_or_a_typed_error(first: str, second: str) -> None:
    loops = f"{{% for i in {first} %}}{{% for j in {second} %}}"
    looped = f"{loops}{{{{ [i, j, {first}] | length }}}}{{% endfor %}}{{% endfor %}}"
    before = time.process_time()
    for source in (f"{{{{ {first} }}}}", f"a {{{{ {first} }}}} {{{{ {second} }}}}", looped):
        try:
            result = render(check_template(source, WHERE), NAMES)
        except (DocumentError, StepError) as error:
            assert "Error" not in str(error)
        else:
            assert isinstance(result, (str, int, float, bool, list, dict, type(None)))
    assert time.process_time() - before < 30


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(alphabet="{}%#'\"\\ \n[]()|.,:;~+-*/_abxforinendset019é=<>!", max_size=60))
def test_any_text_is_a_template_or_is_refused_with_a_place(source: str) -> None:
    try:
        render(check_template(source, SourceRange("w.yaml", 1, 1, 99, 1)), NAMES)
    except DocumentError as error:
        assert all(d.where.line >= 1 and d.where.column >= 1 and d.code.startswith("NF4") for d in error.diagnostics)
    except StepError as error:
        assert str(error).startswith("w.yaml:")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ [1, 2] * 2 + 'a' | list }}", [1, 2, 1, 2, "a"]),
        ("{{ 3 * 'ab' }}", "ababab"),
        ("{{ -2 * 'ab' }}", ""),
        ("{{ 7 % 4 - 9 // 2 }}", -1),
        ("{{ 1 / 4 }}", 0.25),
    ],
)
def test_within_the_bounds_arithmetic_is_python_s(source: str, expected: object) -> None:
    assert render(check_template(source, WHERE), NAMES) == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{% set a = 3 %}" + "{% set a = a * a %}" * 11 + "{{ a / 0.5 }}", "the number is too large"),
        ("{{ " + "'['" + " * 90000 ~ 1 }}{{ deep }}!", "nested too deeply"),
        ("{{ '%c' | format(99999999) }}", 'the filter "format"'),
        ("{{ huge }}!", "an integer has at most 4,096 bits"),
        ("{{ noise | match('(a|b)*a(a|b){300}c') }}", "takes too long on a text of 300,000 characters"),
        ("{{ long | replace('a', 'aaa') }}", "the text is longer than 1,048,576 characters"),
    ],
    ids=["overflow", "deep", "character", "integer", "pattern", "value"],
)
def test_beyond_them_the_error_is_typed(source: str, message: str) -> None:
    noise = "".join(Random(1).choices("ab", k=300_000))
    deep: object = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(StepError, match=message):
        render(check_template(source, WHERE), {**NAMES, "deep": deep, "huge": 1 << 5000, "noise": noise})
    while isinstance(deep, list):
        deep = deep.pop()
