"""Rendering: values and their types, text, members, missing things, and the place of each error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import pytest

from nano_flow.core.diagnostics import SourceRange
from nano_flow.core.errors import StepError
from nano_flow.runtime.templates import render
from nano_flow.source.expressions import Template, check_expression, check_template

WHERE = SourceRange("w.yaml", 3, 1, 3, 90)
NAMES: dict[str, object] = {
    "inputs": {
        "text": "{{ 7*7 }}",
        "n": 5,
        "price": 2.5,
        "yes": True,
        "nothing": None,
        "list": [1, 2, 3],
        "data": {"items": "I", "upper": "U", "keys": [1]},
        "people": [{"name": "Bo", "age": 3}, {"name": "al", "age": 9}],
    },
    "steps": {"a": {"output": {"files": ["a.py", "b.py"]}, "status": "succeeded"}},
    "item": "é",
}


def shown(source: str, names: Mapping[str, object] = NAMES) -> object:
    return render(check_template(source, WHERE), names)


def value(source: str, names: Mapping[str, object] = NAMES) -> object:
    return render(check_expression(source, WHERE), names)


def failure(source: str, names: Mapping[str, object] = NAMES) -> str:
    with pytest.raises(StepError) as caught:
        shown(source, names)
    assert caught.value.kind == "template"
    return str(caught.value)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ inputs.n }}", 5),
        ("{{ inputs.price }}", 2.5),
        ("{{ inputs.yes }}", True),
        ("{{ inputs.nothing }}", None),
        ("{{ inputs.list }}\n", [1, 2, 3]),
        ("{{ inputs.list | map('string') }}", ["1", "2", "3"]),
        ("{{ (1, inputs.n) }}", [1, 5]),
        ("{{ {'a': inputs.n, 2: none} }}", {"a": 5, "2": None}),
        ("{{ range(3) }}", [0, 1, 2]),
        (
            "{{ inputs.people | groupby('name') }}",
            [["al", [{"name": "al", "age": 9}]], ["Bo", [{"name": "Bo", "age": 3}]]],
        ),
        ("{{ inputs.n + 1 }}", 6),
        ("{{ inputs.n == 5 and inputs.yes }}", True),
        ("{{ 'x' }}", "x"),
    ],
)
def test_one_tag_alone_keeps_the_type(source: str, expected: object) -> None:
    assert shown(source) == expected
    assert type(shown(source)) is type(expected)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("no tag", "no tag"),
        ("{ {no} }", "{ {no} }"),
        ("n: {{ inputs.n }}", "n: 5"),
        ("{{ inputs.yes }}, {{ inputs.nothing }}, {{ inputs.price }}", "true, null, 2.5"),
        ("{{ inputs.yes and true }}, {{ inputs.nothing or none }}", "true, null"),
        ("{{ item }} {{ inputs.list }} {{ steps.a.output }}", 'é [1, 2, 3] {"files": ["a.py", "b.py"]}'),
        ("{{ [item] }} {{ {'é': none} }}.", '["é"] {"é": null}.'),
        ("{{ inputs.n ~ inputs.yes ~ inputs.nothing ~ [1] }}.", "5truenull[1]."),
        (
            "{% for p in inputs.people %}{{ loop.index }}{{ p.name }}{% if not loop.last %}, {% endif %}{% endfor %}",
            "1Bo, 2al",
        ),
        ("{% for k, v in inputs.data | items %}{{ k }} {% endfor %}", "items upper keys "),
        ("{% for x in [] %}a{% else %}none{% endfor %}", "none"),
        ("{% set a %}<{{ inputs.n }}>{% endset %}{{ a }}{{ a }}", "<5><5>"),
        ("{% filter upper %}a{{ item }}{% endfilter %}", "AÉ"),
        ("{% with a = 1 %}{{ a }}{% endwith %}", "1"),
        ("{% raw %}{{ not a template }}{% endraw %}", "{{ not a template }}"),
        ("a\n{% if inputs.yes %}\nb\n{% endif %}\n", "a\n\nb\n\n"),
        ("a {#- gone -#} b\n", "ab\n"),
        ("{{ inputs.text }}!", "{{ 7*7 }}!"),
        ("{{ '<&>' }}{{ inputs.data }}", '<&>{"items": "I", "upper": "U", "keys": [1]}'),
    ],
)
def test_text(source: str, expected: str) -> None:
    assert shown(source) == expected


def test_a_value_is_never_rendered_again() -> None:
    assert shown("{{ inputs.text }}") == "{{ 7*7 }}"
    assert shown("{{ inputs.text | upper }}") == "{{ 7*7 }}"
    assert shown("{{ inputs.list }}", {"inputs": {"list": "[1, 2]"}}) == "[1, 2]"


def test_members_are_data_and_never_methods() -> None:
    assert shown("{{ inputs.data.items }}{{ inputs.data.upper }}{{ inputs['data']['keys'] }}") == "IU[1]"
    assert shown("{{ (inputs.data).items }}") == "I"
    assert 'no member "upper"' in failure("{{ inputs.text.upper }}")
    assert 'no member "append"' in failure("{{ (inputs.list).append }}")
    assert 'no member "format"' in failure("{{ (item | string).format }}")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ nope }}", 'w.yaml:3:4: "nope" is not known here'),
        ("{{ input.n }}", 'w.yaml:3:4: "input" is not known here; did you mean "inputs"?'),
        ("{{ input.n + 1 }}", 'w.yaml:3:4: "input" is not known here; did you mean "inputs"?'),
        ("x {{ inputs.lists }}", 'w.yaml:3:6: "inputs" has no member "lists"; did you mean "list"?'),
        ("x {{ inputs.lists | length }}", 'w.yaml:3:6: there is no member "lists"; did you mean "list"?'),
        ("{{ inputs.nothing.x }}", 'w.yaml:3:4: "inputs.nothing" is null, so it has no member "x"'),
        ("{{ (inputs.nothing).x + 1 }}", 'w.yaml:3:4: null has no member "x"'),
        ("{{ inputs.n.x }}", 'w.yaml:3:4: "inputs.n" is no mapping, so it has no member "x"'),
        ("{{ inputs.list[7] }}", "w.yaml:3:4: there is no item 7; there are 3, counted from 0"),
        ("{{ inputs.list['a'] }}", 'w.yaml:3:4: a list has no member "a"'),
        ("{{ {}.a }}", 'w.yaml:3:4: there is no member "a"; it is empty'),
        ("a\nbc {{ 1 / 0 }}", "w.yaml:4:7: division by zero"),
        ("a\n{% for x in [1] %}\n  {{ x + 'a' }}\n{% endfor %}", 'w.yaml:5:6: "+" cannot take a number and a text'),
        ("{{ 'a' < 1 }}", "a text and a number cannot be compared"),
        ("{{ 'a' % 1 }}", "`| format`"),
        ("{{ inputs.n if false }}", "there is no `else`"),
        ("{{ inputs.n is none }}{{ inputs.m is none }}", 'there is no member "m"'),
        ("{{ [inputs.m] }}", 'there is no member "m"'),
        ("{{ {'a': inputs.m} }}", 'there is no member "m"'),
        ("{{ inputs.m ~ 'a' }}", 'there is no member "m"'),
        ("{% for x in inputs.m %}{% endfor %}", 'there is no member "m"'),
        ("{% for x in inputs.n %}{% endfor %}", "a `for` needs a list, not a number"),
        ("{% if inputs.m %}{% endif %}", 'there is no member "m"'),
        ("{{ inputs.m == 1 }}", 'there is no member "m"'),
        ("{{ 1 in inputs.m }}", 'there is no member "m"'),
        ("{% for a, b in [[1]] %}{% endfor %}", "w.yaml:3:"),
        ("{{ 1e308 * 10 }}", "inf is no number"),
        ("{{ range('a') }}", '"range" needs whole numbers'),
        ("{{ inputs.list[::0] }}", "the step of a slice is not 0"),
        ("{{ inputs.list['a':] }}", "whole numbers, not a text"),
        ("{{ inputs.m[1:] }}", 'there is no member "m"'),
        ("{{ ('%' ~ 'r') | format(1) }}", "a format knows %d"),
        ("{{ inputs.n[1:] }}", "only a list or text can be cut"),
    ],
)
def test_errors_name_the_thing_and_its_place(source: str, message: str) -> None:
    assert message in failure(source)


def test_missing_things_have_a_default_and_can_be_asked_for() -> None:
    assert shown("{{ inputs.m | default('d') }}{{ inputs.m is defined }}{{ nope is undefined }}") == "dfalsetrue"
    assert shown("{{ inputs.nothing.x | default('d') }}{{ inputs.list[9] | default('e') }}") == "de"
    assert shown("{{ inputs.nothing | default('d', true) }}{{ inputs.nothing | default('d') }}") == "dnull"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("inputs.yes", True),
        ("{{ inputs.yes }}", True),
        ("not inputs.yes", False),
        ("inputs.n > 3 and item == 'é'", True),
        ("'x' in inputs.list or 2 in inputs.list", True),
        ("steps.a.status == 'succeeded'", True),
        ("steps.a.output.files", ["a.py", "b.py"]),
        ("[1, 2] + inputs.list[:1]", [1, 2, 1]),
        ("inputs.list | select('odd') | list", [1, 3]),
        ("1 < inputs.n < 9", True),
        ("true and false or not false", True),
        ("2 + 3 * 4 // 5 % 3 - -1", 5),
        ("'a' * 3 + 'b'", "aaab"),
    ],
)
def test_expressions(source: str, expected: object) -> None:
    assert value(source) == expected


class Lazy(Mapping[str, object]):
    """A read-only mapping that makes its values when they are asked for, as a run's names may be."""

    def __getitem__(self, key: str) -> object:
        if key != "a":
            raise KeyError(key)
        return MappingProxyType({"output": (1, 2), "status": "succeeded"})

    def __iter__(self) -> Iterator[str]:
        return iter(("a",))

    def __len__(self) -> int:
        return 1


def test_names_may_be_read_only_mappings() -> None:
    names = MappingProxyType({"steps": Lazy(), "inputs": MappingProxyType({"x": 1})})
    assert shown("{{ steps.a.status }}", names) == "succeeded"
    assert shown("{{ inputs }}", names) == {"x": 1}
    assert shown("{{ steps.a }}", names) == {"output": [1, 2], "status": "succeeded"}
    assert shown("{{ inputs | tojson }} {{ inputs }}", names) == '{"x": 1} {"x": 1}'
    assert 'has no member "b"; it has "a"' in failure("{{ steps.b.output }}", names)


def test_what_is_no_plain_data_does_not_pass() -> None:
    names = {"x": object(), "y": {1}}
    assert "is no plain data" in failure("{{ x }}!", names)
    assert "is no plain data" in failure("{{ y }}", names)
    assert "is no plain data" in failure("{{ [x] }}", names)
    assert "does not know" in failure("{{ x }}!", {"x": [float("nan")]})
    assert "is no number" in failure("{{ x }}!", {"x": float("inf")})


def test_a_template_that_was_never_checked_is_guarded_all_the_same() -> None:
    forged = Template("{{ ''.__class__ }}", "value", (), WHERE)
    with pytest.raises(StepError, match="__class__"):
        render(forged, NAMES)
    for source in ("{{ x ** 2 }}", "{{ x", "{{ x|nope }}", "{% if %}"):
        with pytest.raises(StepError):
            render(Template(source, "text", (), WHERE), {"x": 1})


def test_what_python_cannot_compile_is_an_error_of_the_template(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_much(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr("nano_flow.runtime.rendering.program.Sandbox.compile", too_much)
    assert "too complicated: nested too deeply" in failure("{{ item | upper | lower }}")


def test_the_sandbox_refuses_what_the_guard_refuses() -> None:
    from nano_flow.runtime.rendering.failure import RenderFailure
    from nano_flow.runtime.rendering.sandbox import Sandbox

    sandbox = Sandbox()
    with pytest.raises(RenderFailure, match="not part of the language"):
        sandbox.call_binop(sandbox.from_string("").new_context(), "**", 9, 9)
    assert not sandbox.is_safe_callable(len)
