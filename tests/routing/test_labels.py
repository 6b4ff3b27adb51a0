"""Measures of a ranking, thresholds by a bound, and labelled outcomes as people hand them in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nano_flow.routing.labels.measures import (
    apgr,
    apgr_difference,
    area_weights,
    cpt,
    enough,
    place_threshold,
)
from nano_flow.routing.labels.outcomes import Outcome, make_pair, read_outcomes
from nano_flow.routing.labels.replies import make_reply_pair

GAINS = [1.0, 0.0, 1.0, 0.0]


def test_a_perfect_a_useless_and_a_reversed_ranking() -> None:
    assert apgr([4, 1, 3, 2], GAINS) == 0.75
    assert apgr([1, 1, 1, 1], GAINS) == 0.5
    assert apgr([1, 4, 2, 3], GAINS) == 0.25
    assert apgr([1, 2], [0.0, 0.0]) is None


def test_the_share_of_strong_calls_that_a_quality_needs() -> None:
    assert cpt([4, 1, 3, 2], GAINS, 0.5) == 0.25
    assert cpt([4, 1, 3, 2], GAINS, 1.0) == 0.5
    assert cpt([1, 1, 1, 1], GAINS, 0.5) == 0.5
    assert cpt([4, 3, 2, 1], [1.0, -1.0, 1.0, 1.0], 1.0) == 1.0
    assert cpt([4, 3], [2.0, -1.0], 0.5) == 0.125
    assert cpt([1], [0.0], 0.5) is None


def test_a_gain_that_ends_below_the_share_needs_everything() -> None:
    assert cpt([3, 2, 1], [0.5, -1.0, 1.0], 1.0) == pytest.approx((1 / 3) * 1.0)
    assert cpt([1, 1], [3.0, -1.0], 1.0001) == 1.0


@given(st.lists(st.tuples(st.floats(0, 10), st.sampled_from([-1.0, 0.0, 0.5, 1.0])), min_size=1, max_size=60))
def test_rankings_and_their_reverse_add_up_to_one(rows: list[tuple[float, float]]) -> None:
    scores, gains = [score for score, _ in rows], [gain for _, gain in rows]
    weights = area_weights(scores)
    assert sum(weights) == pytest.approx(len(rows) / 2)
    one, other = apgr(scores, gains), apgr([-score for score in scores], gains)
    if one is not None and other is not None:
        assert one + other == pytest.approx(1)


def test_a_difference_has_a_bound_that_narrows_with_the_number_of_prompts() -> None:
    better, worse, gains = [4.0, 1.0, 3.0, 2.0], [1.0, 4.0, 2.0, 3.0], GAINS
    few, many = apgr_difference(better, worse, gains), apgr_difference(better * 50, worse * 50, gains * 50)
    assert few is not None and many is not None
    assert few.value == 0.5 and many.value == pytest.approx(0.5, abs=0.01)
    assert few.low < many.low < 0.5
    assert apgr_difference([1], [1], [0.0]) is None


def test_a_threshold_is_placed_by_its_lower_bound() -> None:
    scores = [float(100 - place) for place in range(100)]
    gains = [1.0 if place % 2 == 0 else 0.0 for place in range(100)]
    threshold = place_threshold(scores, gains, 0.5)
    assert threshold is not None
    assert threshold.low >= 0.5 < threshold.recovered
    assert threshold.strong_share > 0.5
    assert place_threshold(scores, [0.0] * 100, 0.5) is None
    assert place_threshold([1.0, 1.0], [1.0, 1.0], 0.9) == place_threshold([1.0, 1.0], [1.0, 1.0], 0.5).__class__(
        0.9, 1.0, 1.0, 1.0, 1.0
    )


def test_a_target_beyond_all_gain_has_no_threshold() -> None:
    assert place_threshold([2.0, 1.0], [1.0, 1.0], 1.5) is None


@pytest.mark.parametrize(("labels", "said"), [(300, "too few"), (1000, "some of"), (8000, "most of")])
def test_what_labels_can_support_is_said(labels: int, said: str) -> None:
    assert said in enough(labels)


JSON_LINES = (
    '{"prompt": "a", "model": "m", "right": true, "group": "g"}\n\n{"prompt": "b", "model": "m", "right": 0.5}\n'
)
CSV = 'prompt,model,right\n"a, b",m,yes\nc,m,0\n'


def test_outcomes_are_read_from_json_lines_and_csv() -> None:
    assert read_outcomes(JSON_LINES, "x.jsonl") == [Outcome("a", "m", 1.0, "g"), Outcome("b", "m", 0.5)]
    assert read_outcomes(CSV, "x.csv") == [Outcome("a, b", "m", 1.0), Outcome("c", "m", 0.0)]


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("", "x.jsonl", "x.jsonl holds no rows"),
        ("{", "x.jsonl", "x.jsonl:1:2: not JSON"),
        ("[1]", "x.jsonl", "x.jsonl:1: expected an object"),
        ('{"prompt": "a", "right": 1}', "x.jsonl", 'x.jsonl:1: "model" is missing'),
        ("prompt,model,right\na,m,perhaps\n", "x.csv", 'x.csv:2: "right" is "perhaps"'),
        ("prompt,model,right\na,m,7\n", "x.csv", "expected true, false or a number from 0 to 1"),
    ],
)
def test_a_bad_row_is_named(text: str, name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_outcomes(text, name)


ROWS = [
    Outcome("p", "small", 0.0, "g"),
    Outcome("p", "large", 1.0, "g"),
    Outcome("p", "large", 0.5, "g"),
    Outcome("q", "small", 1.0),
    Outcome("q", "large", 1.0),
    Outcome("only one", "small", 1.0),
]


def test_a_pair_holds_the_prompts_that_both_answered() -> None:
    pair = make_pair(ROWS)
    assert (pair.weak, pair.strong) == ("small", "large")
    assert [(example.prompt, example.gain, example.group) for example in pair.examples] == [
        ("p", 0.75, "g"), ("q", 0.0, "")
    ]  # fmt: skip
    assert pair.digest().startswith("sha256:") and pair.digest() == make_pair(ROWS[::-1]).digest()
    assert make_pair(ROWS, weak="large", strong="small").examples[0].gain == -0.75


@pytest.mark.parametrize(
    ("rows", "names", "said"),
    [
        (ROWS, {"weak": "tiny"}, 'no outcome of "tiny"; there are outcomes of: '),
        (ROWS[:1], {}, "two models are needed"),
        ([Outcome("a", "x", 1.0), Outcome("b", "y", 0.0)], {}, 'no prompt was answered by both "y" and "x"'),
    ],
)
def test_what_is_no_pair_is_refused(rows: list[Outcome], names: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make_pair(rows, **names)


REPLIES = [
    Outcome("p", "cheap", 0.0, "g", "I think 3"),
    Outcome("p", "cheap", 1.0, "g", "4."),
    Outcome("p", "dear", 1.0),
    Outcome("q", "cheap", 1.0, "", "5."),
    Outcome("q", "dear", 0.0),
    Outcome("r", "cheap", 0.0, "", "nobody else"),
    Outcome("s", "cheap", 0.0, "", "  "),
]


def test_every_reply_of_the_weak_model_is_an_example_beside_what_the_strong_one_made_of_its_prompt() -> None:
    pair = make_reply_pair(REPLIES)
    assert (pair.weak, pair.strong) == ("cheap", "dear")
    assert [(e.prompt, e.reply, e.gain, e.group) for e in pair.examples] == [
        *(("p", "I think 3", 1.0, "g"), ("p", "4.", 0.0, "g"), ("q", "5.", -1.0, ""))
    ]
    other = make_reply_pair([Outcome("p", "cheap", 0.0, "g", "I think 5"), *REPLIES[1:]])
    assert pair.digest() != other.digest() and pair.digest() == make_reply_pair(REPLIES[::-1]).digest()


def test_without_a_strong_model_a_reply_is_given_up_where_it_is_wrong() -> None:
    pair = make_reply_pair([row for row in REPLIES if row.model == "cheap"])
    assert pair.strong == "" and [e.gain for e in pair.examples] == [1.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("rows", "names", "said"),
    [
        (REPLIES, ("none", None), 'no outcome of "none"; there are outcomes of: cheap, dear'),
        (REPLIES, ("dear", None), 'no row of "dear" has a "reply"'),
        (REPLIES[2:3], (None, None), 'no row has a "reply"'),
        (REPLIES, (None, "cheap"), '"cheap" cannot be both'),
        ([REPLIES[5], REPLIES[2]], (None, None), 'no prompt that "cheap" replied to was answered by "dear"'),
    ],
)
def test_replies_that_cannot_be_judged(rows: list[Outcome], names: tuple[str | None, str | None], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make_reply_pair(rows, *names)


def test_a_row_may_hold_its_reply() -> None:
    (row,) = read_outcomes('{"prompt": "p", "model": "m", "right": 1, "reply": "so 4"}\n', "a.jsonl")
    assert row.reply == "so 4"
