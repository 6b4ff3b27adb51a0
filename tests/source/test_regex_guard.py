"""Patterns: what is refused and why, that nothing hangs, and that the automaton finds what Python's matcher finds."""

from __future__ import annotations

import re
import time
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nano_flow.source.patterns.automaton import Automaton
from nano_flow.source.patterns.parsing import Parser
from nano_flow.source.regex_guard import PatternTooSlow, check_pattern, safe_pattern, search


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "a|",
        r"\bshard(ed|ing)\b",
        r"^[^-]",
        r"^(a+)+$",
        r"(a|a)*b",
        r"(a*)*",
        r"(?:)*",
        r"[]a]",
        r"[^]a\]]+?",
        r"(?P<year>\d{4})-\d\d",
        r"a{,3}b{2,}c{4}d{1,2}?",
        r"a{x}",
        r"a{}",
        r"(?i)hello",
        r"(?ims)^a.b$",
        r"\A\w\W\d\D\s\S\Z",
        r"\x41\u00e9\n\t\/\-\.",
        r"]",
        r"}",
    ],
)
def test_accepted(pattern: str) -> None:
    assert check_pattern(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", 'a "(" without ")"'),
        ("a)", 'unexpected ")" at 1'),
        ("[a", 'a "[" without "]"'),
        ("*a", "nothing to repeat"),
        ("a|+", "nothing to repeat"),
        ("\\", 'a "\\" at the end'),
        (r"(?=a)b", "looks ahead"),
        (r"(?!a)b", "looks ahead"),
        (r"(?<=a)b", "looks back"),
        (r"(?<!a)b", "looks back"),
        (r"(a)\1", "refers back"),
        (r"(?P<a>b)(?P=a)", "refers back"),
        (r"(a)?(?(1)b|c)", "depends on a group"),
        (r"(?>a)", "atomic"),
        (r"(?#a)", "comments"),
        (r"(?i:a)", "unknown kind of group"),
        (r"(?x)a", 'not "x"'),
        (r"a++", "one count behind the other"),
        (r"a{2}{3}", "one count behind the other"),
        (r"a??*", "one count behind the other"),
        (r"^*", "a place cannot be repeated"),
        (r"a{3,1}", "the smaller number first"),
        (r"a{1001}", "from 0 to 1,000"),
        (r"(a{1000}){1000}", "too large"),
        ("(" * 30 + ")" * 30, "groups inside each other"),
        ("a" * 1001, "longer than 1,000"),
        (r"\p{L}", "no regular expression"),
        (r"[z-a]", "no regular expression"),
        (r"(?P<a>x)(?P<a>y)", "no regular expression"),
    ],
)
def test_refused(pattern: str, reason: str) -> None:
    assert reason in str(check_pattern(pattern))
    with pytest.raises(ValueError, match=re.escape(reason)):
        safe_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"^(a+)+$", "a" * 40 + "!", False),
        (r"^(a+)+$", "a" * 200_000 + "!", False),
        (r"(x+x+)+y", "x" * 200_000, False),
        (r"a*b", "a" * 200_000, False),
        (r"(a|a)" * 27 + "b", "a" * 100_000, False),
        (r"(.*)(.*)(.*)(.*)(.*)[^a]", "a" * 100_000, False),
        (r"\s+$", " " * 200_000 + "x", False),
        (r"(\w+\s?)*$", "word " * 40_000 + "!", True),
        (r"^(\w+\s?)*$", "word " * 40_000 + "!", False),
        (r"end$", "x" * 200_000 + "end\n", True),
        (r"(a?){100}a{100}", "a" * 100, True),
    ],
)
def test_nothing_hangs(pattern: str, text: str, found: bool) -> None:
    before = time.process_time()
    assert search(pattern, text) is found
    assert time.process_time() - before < 10


def test_what_would_take_too_long_says_so() -> None:
    text = "".join(Random(1).choices("ab", k=300_000))
    with pytest.raises(PatternTooSlow, match="takes too long on a text of 300,000 characters"):
        search(r"(a|b)*a(a|b){300}c", text)


def test_case_can_be_ignored() -> None:
    assert safe_pattern("straße", ignore_case=True).found_in("EINE STRAßE")
    assert safe_pattern("(a|b)+C", ignore_case=True).found_in("x" * 5000 + "ABc")
    assert not search("a", "A")


ATOMS = ["a", "b", r"\d", r"\w", r"\s", "[ab]", "[^a]", ".", r"\b", "^", "$", r"\n", " ", "1", r"\B", r"\A", r"\Z", "é"]
COUNTS = ["*", "+", "?", "{2}", "{1,3}", "{,2}", "{2,}", "*?", "??", "+?"]
PATTERNS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(COUNTS)).map(lambda pair: f"({pair[0]}){pair[1]}"),
    ),
    max_leaves=8,
)


@settings(max_examples=600, deadline=None, derandomize=True)
@given(st.sampled_from(["", "(?i)", "(?m)", "(?s)"]), PATTERNS, st.text(alphabet="aabBé1 \n", max_size=7))
def test_the_automaton_finds_what_python_finds(flags: str, pattern: str, text: str) -> None:
    assume(text or r"\B" not in pattern)  # Python 3.14 changed what \B is in an empty text
    parser = Parser(flags + pattern)
    automaton = Automaton(parser.parse(), parser.flags)
    expected = re.search(flags + pattern, text) is not None
    assert automaton.found_in(text) == expected
    assert automaton.found_in(text) == expected  # now with everything kept
    assert search(flags + pattern, text) == expected


def test_kept_states_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nano_flow.source.patterns.automaton.MAX_KEPT", 20)
    automaton = Automaton(Parser("(a|b)*c{3}$").parse(), re.RegexFlag(0))
    assert automaton.found_in("abcabcbbcacbacccabccc")
    assert not automaton.found_in("abcabcbbcacbacccabcc" + "é" * 50)
    assert len(automaton.kept) < 20


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(alphabet=r"ab()[]{}*+?|\^$.-,:=!<>P12dwsbAZ", max_size=25))
def test_any_text_is_a_pattern_or_has_a_reason(pattern: str) -> None:
    reason = check_pattern(pattern)
    if reason is None:
        search(pattern, "abab12")
    else:
        assert reason
