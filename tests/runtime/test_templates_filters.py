"""Each filter and test of the language: what it gives, and what it says of a wrong value."""

from __future__ import annotations

import json
import re

import pytest

from nano_flow.core.diagnostics import SourceRange
from nano_flow.core.errors import StepError
from nano_flow.runtime.rendering.filters import table
from nano_flow.runtime.templates import render
from nano_flow.source.expressions import check_expression
from nano_flow.source.guard import vocabulary

WHERE = SourceRange("w.yaml", 1, 1, 1, 90)
NAMES: dict[str, object] = {
    "people": [{"name": "Bo", "age": 3, "t": {"a": 1}}, {"name": "al", "age": 9, "t": {"a": 2}}],
    "data": {"b": 2, "A": 1},
    "nested": [1, [2, [3, [4]]], [], None],
    "null": None,
    "yes": True,
}


def value(source: str) -> object:
    return render(check_expression(source, WHERE), NAMES)


EXAMPLES: list[tuple[str, object]] = [
    ("-3 | abs", 3),
    ("[1, 2, 3] | batch(2)", [[1, 2], [3]]),
    ("[1, 2, 3] | batch(2, 0)", [[1, 2], [3, 0]]),
    ("'hELLO world' | capitalize", "Hello world"),
    ("'a' | center(5)", "  a  "),
    ("[1, 2] | count", 2),
    ("null | d('x', true)", "x"),
    ("people[0].height | default('unknown')", "unknown"),
    ("data | dictsort", [["A", 1], ["b", 2]]),
    ("data | dictsort(case_sensitive=true)", [["A", 1], ["b", 2]]),
    ("data | dictsort(by='value', reverse=true)", [["b", 2], ["A", 1]]),
    ("'<a href=\"x\">' | e", "&lt;a href=&#34;x&#34;&gt;"),
    ("'&' | escape", "&amp;"),
    ("13000 | filesizeformat", "13.0 kB"),
    ("1 | filesizeformat", "1 Byte"),
    ("12 | filesizeformat", "12 Bytes"),
    ("13000 | filesizeformat(true)", "12.7 KiB"),
    ("1e30 | filesizeformat", "1000000000000000.0 PB"),
    ("[3, 4] | first", 3),
    ("'ab' | first", "a"),
    ("nested | flatten", [1, 2, 3, 4, None]),
    ("nested | flatten(1)", [1, 2, [3, [4]], None]),
    ("'2.5' | float", 2.5),
    ("'nan' | float", 0.0),
    ("'x' | float(1.5)", 1.5),
    ("'&amp;' | forceescape", "&amp;amp;"),
    ("'%s is %05.1f %% %(a)s' | replace('%(a)s', '') | format('pi', 3.14159)", "pi is 003.1 % "),
    ("'%(a)s %(b)s' | format(a=yes, b=[1])", "true [1]"),
    ("'id,name\\r\\n1,\"A, B\"\\n' | fromcsv", [{"id": "1", "name": "A, B"}]),
    ("'a;b' | fromcsv(sep=';', header=false)", [["a", "b"]]),
    ("'a\\tb\\n\\n1\\t2' | fromcsv('\\t')", [{"a": "1", "b": "2"}]),
    ("'' | fromcsv", []),
    ("'{\"a\": [1, 2.5, null]}' | fromjson", {"a": [1, 2.5, None]}),
    ("'{\"a\": 1}\\n\\n[2]\\n' | fromjsonl", [{"a": 1}, [2]]),
    ("'a\\r\\nb\\n\\nc\\n' | lines", ["a", "b", "", "c"]),
    ("'' | lines", []),
    ("'a-b' | replace_re('(.)-(?P<x>.)', '\\\\g<x>-\\\\1')", "b-a"),
    ("'aaa' | replace_re('x*', '-')", "-a-a-a-"),
    ("'a,b,,c' | split(',')", ["a", "b", "", "c"]),
    ("' a  b ' | split", ["a", "b"]),
    ("'a:b:c' | split(':', 1)", ["a", "b:c"]),
    ("people | groupby('name') | map('first') | list", ["al", "Bo"]),
    ("people | groupby('t.a') | map(attribute='grouper') | list", [1, 2]),
    ("'a\\n\\nb' | indent(2)", "a\n\n  b"),
    ("'a\\n\\nb' | indent('> ', first=true, blank=true)", "> a\n> \n> b"),
    ("'42.9' | int", 42),
    ("'ff' | int(base=16)", 255),
    ("'x' | int(7)", 7),
    ("null | int", 0),
    ("data | items", [["b", 2], ["A", 1]]),
    ("null | items", []),
    ("[1, yes, null, 'a'] | join(', ')", "1, true, null, a"),
    ("people | join('/', attribute='name')", "Bo/al"),
    ("[3, 4] | last", 4),
    ("data | length", 2),
    ("'abc' | list", ["a", "b", "c"]),
    ("data | list", ["b", "A"]),
    ("'ÄB' | lower", "äb"),
    ("people | map(attribute='t.a') | list", [1, 2]),
    ("people | map(attribute='height', default=0) | list", [0, 0]),
    ("['a', 'b'] | map('upper') | list", ["A", "B"]),
    ("'yes, please' | match('^yes')", True),
    ("'oh yes' | match('^yes')", False),
    ("'oh YES' | match('(?i)yes$')", True),
    ("people | max(attribute='age')", {"name": "al", "age": 9, "t": {"a": 2}}),
    ("['b', 'A'] | min", "A"),
    ("[1, 2, 3] | reject('odd') | list", [2]),
    ("people | rejectattr('age', '>', 5) | map(attribute='name') | list", ["Bo"]),
    ("'a-b-c' | replace('-', '+', 1)", "a+b-c"),
    ("'ab' | replace('', '.')", ".a.b."),
    ("[1, 2] | reverse", [2, 1]),
    ("'ab' | reverse", "ba"),
    ("2.567 | round(2)", 2.57),
    ("2.1 | round(method='ceil')", 3.0),
    ("-2.1 | round(0, 'floor')", -3.0),
    ("'<b>' | safe", "<b>"),
    ("[0, 1, '', 'a'] | select", [1, "a"]),
    ("['ab', 'b'] | select('match', '^a') | list", ["ab"]),
    ("people | selectattr('age', 'ge', 9) | list | length", 1),
    ("[1, 2, 3] | slice(2)", [[1, 2], [3]]),
    ("['b', 'A', 'c'] | sort", ["A", "b", "c"]),
    ("people | sort(attribute='age', reverse=true) | map(attribute='age') | list", [9, 3]),
    ("people | sort(attribute='t.a,name') | map(attribute='name') | list", ["Bo", "al"]),
    ("yes | string", "true"),
    ("[1] | string", "[1]"),
    ("'<p>a <!-- <b> -->\\n b</p>' | striptags", "a b"),
    ("'a < b' | striptags", "a < b"),
    ("[1, 2.5] | sum", 3.5),
    ("people | sum(attribute='age', start=1)", 13),
    ("'foo bar-baz' | title", "Foo Bar-Baz"),
    ("{'b': [1, none, true], 'a': '<é>'} | tojson", '{"b": [1, null, true], "a": "<é>"}'),
    ("[1] | tojson(indent=1)", "[\n 1\n]"),
    ("'  a ' | trim", "a"),
    ("'--a-' | trim('-')", "a"),
    ("'foo bar baz qux' | truncate(9)", "foo..."),
    ("'foo bar baz qux' | truncate(9, true)", "foo ba..."),
    ("'foo bar baz qux' | truncate(11)", "foo bar baz qux"),
    ("'foo bar baz qux' | truncate(11, leeway=0)", "foo bar..."),
    ("'abcdefgh' | truncate_tokens(1)", "abcd"),
    ("'ééééé' | truncate_tokens(2)", "ééé"),
    ("'abc' | truncate_tokens(9)", "abc"),
    ("['a', 'A', 'b'] | unique", ["a", "b"]),
    ("[1, true, [1], [1], {'a': 1}, {'a': 1}] | unique", [1, True, [1], {"a": 1}]),
    ("people | unique(attribute='t') | list | length", 2),
    ("yes | upper", "TRUE"),
    ("'a b/ü' | urlencode", "a%20b/%C3%BC"),
    ("{'a b': 1, 'c': '/'} | urlencode", "a+b=1&c=%2F"),
    ("'one two, three' | wordcount", 3),
    ("'one two three' | wordwrap(7)", "one two\nthree"),
    ("'abcdef g\\n\\nh' | wordwrap(3)", "abc\ndef\ng\n\nh"),
    ("'abcdef g' | wordwrap(3, false, '|')", "abcdef|g"),
]


@pytest.mark.parametrize(("source", "expected"), EXAMPLES, ids=[source for source, _ in EXAMPLES])
def test_a_filter(source: str, expected: object) -> None:
    result = value(source)
    assert result == expected
    assert json.loads(json.dumps(result)) == result


def test_every_filter_of_the_language_exists_and_has_an_example() -> None:
    assert set(table.FILTERS) == vocabulary.FILTERS
    assert {name for name in vocabulary.FILTERS if not any(f"| {name}" in source for source, _ in EXAMPLES)} == set()


TESTS: list[tuple[str, bool]] = [
    ("1 is boolean", False),
    ("yes is boolean", True),
    ("people is defined", True),
    ("6 is divisibleby(3)", True),
    ("1 is eq(1)", True),
    ("1 is equalto 2", False),
    ("2 is even", True),
    ("false is false", True),
    ("1.5 is float", True),
    ("2 is ge(2)", True),
    ("3 is greaterthan(2)", True),
    ("3 is gt(3)", False),
    ("1 is in([1])", True),
    ("1 is integer", True),
    ("[1] is iterable", True),
    ("1 is le(1)", True),
    ("1 is lessthan(1)", False),
    ("'a' is lower", True),
    ("1 is lt(2)", True),
    ("data is mapping", True),
    ("'abc' is match('b')", True),
    ("1 is ne(1)", False),
    ("null is none", True),
    ("1 is number", True),
    ("1 is odd", True),
    ("[1] is sequence", True),
    ("'a' is string", True),
    ("yes is true", True),
    ("people[0].x is undefined", True),
    ("'A' is upper", True),
    ("1 is not none", True),
]


@pytest.mark.parametrize(("source", "expected"), TESTS, ids=[source for source, _ in TESTS])
def test_a_test(source: str, expected: bool) -> None:
    assert value(source) is expected


def test_every_test_of_the_language_has_an_example() -> None:
    words = {name for name in vocabulary.TESTS if name.isalpha()}
    assert {name for name in words if not any(f"is {name}" in source for source, _ in TESTS)} == set()


@pytest.mark.parametrize(
    ("sign", "expected"), [("==", [2]), ("!=", [1, 3]), ("<", [1]), ("<=", [1, 2]), (">", [3]), (">=", [2, 3])]
)
def test_signs_are_tests_too(sign: str, expected: list[int]) -> None:
    assert value(f"[1, 2, 3] | select('{sign}', 2) | list") == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("'x' | abs", "abs needs a number, not a text"),
        ("yes | abs", "abs needs a number, not a boolean"),
        ("'x' | round", "round needs a number"),
        ("1 | round(method='up')", '"method" is "common", "ceil" or "floor"'),
        ("1 | round(1.5)", '"precision" is a whole number'),
        ("1 | length", "length needs a text, list or mapping, not a number"),
        ("1 | first", "first needs a list"),
        ("[] | first", "first: it is empty"),
        ("[] | max", "sequence was empty"),
        ("1 | list", "list needs a list"),
        ("1 | join", "join needs a list"),
        ("1 | sort", "sort needs a list"),
        ("people | sort", "a mapping and a mapping cannot be compared"),
        ("people | sort(attribute='x')", 'there is no member "x"'),
        ("people | map(attribute='name.upper') | list", 'a text has no member "upper"'),
        ("[1] | items", "items needs a mapping, not a list"),
        ("data | dictsort(by='x')", '"by" is "key" or "value"'),
        ("['a'] | sum", "sum needs a number, not a text"),
        ("'[1,' | fromjson", "this is not JSON: expecting value (line 1, column 4)"),
        ("'NaN' | fromjson", "NaN is not JSON"),
        ("'1e999' | fromjson", "the number 1e999 is out of range"),
        ("1 | fromjson", "fromjson needs a text"),
        ("'a' | match(1 ~ '(')", "not a usable pattern"),
        ("'a' | match([])", "a pattern is a text, not a list"),
        ("'%d' | format('x')", 'the filter "format"'),
        ("'%s' | format(1, a=2)", "not both"),
        ("'%s %s' | format(1)", "not enough arguments"),
        ("'a' | truncate(1)", '"length" is from 3'),
        ("'a' | upper(1)", 'the filter "upper": takes'),
        ("'a' | center('x')", '"width" is a whole number, not a text'),
        ("[1] | urlencode", "a list"),
        ("[[1]] | urlencode", "a mapping or a list of pairs"),
        ("people[0].x | upper", 'there is no member "x"'),
        ("'a' | replace(people[0].x, 'b')", 'there is no member "x"'),
        ("people[0].x is odd", 'there is no member "x"'),
        ("'a' is odd", 'the test "odd"'),
        ("1 is divisibleby(0)", "division by zero"),
        ("people | selectattr('x') | list", 'there is no member "x"'),
    ],
)
def test_a_wrong_value(source: str, message: str) -> None:
    with pytest.raises(StepError) as caught:
        value(source)
    assert message in str(caught.value)
    assert str(caught.value).startswith("w.yaml:1:")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("'a,b\\n1' | fromcsv", "fromcsv: line 2: 1 values, but the header has 2 columns"),
        ("'a,a\\n1,2' | fromcsv", 'fromcsv: line 1: the column "a" stands twice'),
        ("'a,\\n1,2' | fromcsv", "fromcsv: line 1: column 2 has no name"),
        ("'a' | fromcsv('::')", "fromcsv: the separator of columns is one character, such as `;`"),
        ("'1\\n1e999' | fromjsonl", "fromjsonl: line 2: the number 1e999 is out of range"),
        ("'{\\n' | fromjsonl", "fromjsonl: line 1: this is not JSON"),
        ("'a' | split('')", "split: the separator is empty"),
        ("'a' | replace_re('(', 'b')", "replace_re: "),
        ("'a' | replace_re('a', '\\\\2')", "replace_re: invalid group reference 2"),
        ("[1] | lines", "lines needs a text, not a list"),
    ],
)
def test_texts_that_cannot_be_taken_apart_are_refused(source: str, said: str) -> None:
    with pytest.raises(StepError, match=re.escape(said)):
        value(source)


def test_a_pattern_is_replaced_in_long_texts_line_by_line_where_that_is_the_same() -> None:
    long = "\n".join(f"{n}  {n}" for n in range(5000))
    names = {**NAMES, "long": long}
    found = render(check_expression("long | replace_re('[0-9]+', 'N')", WHERE), names)
    assert found == "\n".join(["N  N"] * 5000)
    with pytest.raises(StepError, match="takes too long on a text of"):
        render(check_expression("long | replace_re('\\\\s+$', '')", WHERE), names)
