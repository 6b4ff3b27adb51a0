"""Signals: curves, words, prefixes, phrases and patterns, in ASCII and beyond, each counted once."""

from __future__ import annotations

import pytest

from nano_flow.routing.facts import FEATURES, facts_of, gather
from nano_flow.routing.reading import read_text
from nano_flow.routing.signals import MatchSignal, Scorer, SignalPoints, curve_signal, match_signal
from nano_flow.source.regex_guard import PatternTooSlow


def points(entries: list[str], text: str, each: float = 1.0, at_most: float | None = None) -> SignalPoints:
    signal: MatchSignal[object] = match_signal("s", "routing.yaml:9", entries, each, at_most)
    return signal.points(None, read_text(text)) or SignalPoints("s", 0.0, "routing.yaml:9")


@pytest.mark.parametrize(
    ("entry", "text", "found"),
    [
        ("typo", "Fix the TYPO.", True),
        ("typo", "Fix typos.", False),
        ("typo", "a prototypo", False),
        ("micro*", "a Microservice", True),
        ("micro*", "Microservices first", True),
        ("micro*", "nanomicro", False),
        ("distributed system", "a distributed  system, please", True),
        ("distributed system", "systems distributed", False),
        ("distributed system*", "two distributed systems", True),
        ("multi-tenant", "a multi-tenant app", True),
        ("what is", "What is it?", True),
        ("what is", "somewhat is", False),
        ("don't", "I don’t know", True),
        ("c++", "Port it to C++, please", True),
        ("c++", "vitamin C", False),
        ("c++", "libc++", False),
        ("c#", "C# or F#", True),
        (".net", "a .NET service", True),
        (".net", "the net", False),
        (r"/\bshard(ed|ing)\b/", "It is Sharded", True),
        (r"/\bshard(ed|ing)\b/", "shards", False),
        ("架构", "设计架构", True),
        ("架构", "design", False),
        ("架构", "设计", False),
        ("архитектур*", "Опиши АРХИТЕКТУРУ", True),
        ("архитектур*", "неархитектура", False),
        ("größe", "die Größe", True),
        ("größe", "die Größen", False),
    ],
)
def test_what_matches(entry: str, text: str, found: bool) -> None:
    given = points([entry], text)
    assert given == SignalPoints("s", 1.0 if found else 0.0, "routing.yaml:9", (entry,) if found else ())


def test_each_entry_counts_once_up_to_the_cap_either_way() -> None:
    entries = ["one", "two", "three"]
    text = "one one two three"
    assert points(entries, text, 1.0, 2.0).points == 2.0
    assert points(entries, text, -1.0, 2.0).points == -2.0
    assert points(entries, text, -1.5).points == -4.5
    assert points(entries, "nothing").points == 0


def test_a_pattern_that_takes_too_long_counts_as_not_found() -> None:
    class Slow:
        source = "a+"

        def found_in(self, text: str) -> bool:
            raise PatternTooSlow("too long")

    signal = MatchSignal("s", "", 1.0, None, ("/a+/",), frozenset(), (), (), (Slow(),), ())  # type: ignore[arg-type]
    assert signal.points(None, read_text("aaa")) is None


def test_a_curve_is_straight_between_its_points_and_flat_outside() -> None:
    signal = curve_signal("length", "routing.yaml:6", FEATURES["prompt_words"], [[2, 1], [4, 3], [8, 3.5]])
    heights = [signal.height(value) for value in (0, 2, 3, 4, 6, 8, 100)]
    assert heights == [1, 1, 2, 3, 3.25, 3.5, 3.5]
    assert signal.height(None) == 0
    reading = read_text("one two three")
    assert signal.points(gather(reading), reading) == SignalPoints("length", 2, "routing.yaml:6")


def test_a_score_is_clamped_and_every_part_is_told() -> None:
    reading = read_text("one two")
    curve = curve_signal("length", "f:1", FEATURES["prompt_words"], [[0, 0], [1, 30]])
    trivial: MatchSignal[object] = match_signal("trivial", "f:2", ["two"], -50, None)
    score, because = Scorer(2.0, (curve, trivial), "f:0").score(facts_of("one two"), reading)  # type: ignore[arg-type]
    assert score == 0
    assert because == (
        SignalPoints("base", 2.0, "f:0"),
        SignalPoints("length", 30, "f:1"),
        SignalPoints("trivial", -50, "f:2", ("two",)),
    )
    assert Scorer(0.0, (curve,)).score(facts_of("one two"), reading)[0] == 10
    assert because[0].as_json() == {"signal": "base", "points": 2.0, "at": "f:0"}
    assert because[2].as_json()["found"] == ["two"]
