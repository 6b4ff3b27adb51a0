"""A learned score is read from numbers, evaluated without a library, and refused where it makes no sense."""

from __future__ import annotations

import pytest

from nano_flow.routing.facts import facts_of
from nano_flow.routing.learned import LearnedScore, feature_values, interpolate, read_learned
from nano_flow.routing.reading import read_text
from nano_flow.routing.replies.facts import reply_facts
from nano_flow.routing.replies.judged import JUDGED_FEATURES, judged_facts

TEXT = """
learned: 1
curve: [[-1, 0], [0, 4], [3, 10]]
model:
  base: 0.5
  declared: 0.1
  groups: {conditions_words: [if, unless]}
  words: {matrix: 1.5, cat: -2}
  trees:
    - [prompt_words, 3, -1, [conditions_words, 0, 0.25, 1]]
    - [declared, 5, 0, 0.125]
"""


@pytest.mark.parametrize(
    ("prompt", "declared", "raw"),
    [
        ("a cat", 0.0, 0.5 - 2 - 1),
        ("one two three four", 2.0, 0.5 + 0.2 + 0.25),
        ("one two if the matrix", 6.0, 0.5 + 0.6 + 1.5 + 1 + 0.125),
    ],
)
def test_trees_words_and_the_declared_score_add_up(prompt: str, declared: float, raw: float) -> None:
    learned = read_learned(TEXT)
    reading = read_text(prompt)
    assert learned.raw(facts_of(prompt), reading, declared) == pytest.approx(raw)
    assert learned.score(facts_of(prompt), reading, declared) == pytest.approx(interpolate(learned.curve, raw))


def test_the_curve_is_flat_outside() -> None:
    curve = ((-1.0, 0.0), (0.0, 4.0), (3.0, 10.0))
    assert [interpolate(curve, value) for value in (-9, -1, -0.5, 0, 1.5, 3, 9)] == [0, 0, 2, 4, 7, 10, 10]


def test_unknown_facts_count_as_zero() -> None:
    reading = read_text("a")
    assert feature_values(("budget_left", "has_images"), {}, facts_of("a"), reading, 0.0) == [0.0, 0.0]


def test_a_score_of_replies_reads_what_may_be_counted_of_replies_only() -> None:
    text = "learned: 1\ncurve: [[0, 0], [1, 10]]\nmodel: {trees: [[wrong_equations, 0, 0, [prompt.commas, 1, 0.5, 1]]]}"
    learned = read_learned(text, JUDGED_FEATURES)
    asked = read_text("a, b, c")
    wrong = judged_facts(reply_facts("2 + 2 = 5"), read_text("2 + 2 = 5"), asked)
    assert learned.score(wrong, read_text("2 + 2 = 5"), 0.0) == 10.0
    with pytest.raises(ValueError, match='there is no fact "wrong_equations"'):
        read_learned(text)
    with pytest.raises(ValueError, match='there is no fact "prompt_words2"'):
        read_learned(text.replace("wrong_equations", "prompt_words2"), JUDGED_FEATURES)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "the document is no mapping"),
        ("trees: []", "it is no learned score: it does not say `learned: 1`"),
        ("learned: 1\nmodle: {}", 'it has the unknown key "modle"'),
        ("learned: 2", "it is of the format 2, this build reads 1"),
        ("learned: 1", "model is no mapping"),
        ("learned: 1\nmodel: {}", "curve is no list"),
        ("learned: 1\nmodel: {}\ncurve: []", "the values of its curve do not rise"),
        ("learned: 1\nmodel: {}\ncurve: [[1, 0], [0, 1]]", "the values of its curve do not rise"),
        ("learned: 1\nmodel: {base: true}\ncurve: [[0, 1]]", "model.base is no number"),
        ("learned: 1\nmodel: {trees: [[prompt_words, 1, 2]]}\ncurve: [[0, 1]]", "a node is a number or"),
        ("learned: 1\nmodel: {trees: [x]}\ncurve: [[0, 1]]", "a node is no list"),
        ("learned: 1\nmodel: {trees: [[words, 1, 2, 3]]}\ncurve: [[0, 1]]", 'there is no fact "words"'),
        (f"learned: 1\nmodel: {{trees: [{', '.join(['1'] * 1001)}]}}\ncurve: [[0, 1]]", "at most 1000 are read"),
    ],
)
def test_what_is_no_learned_score_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("[", r"\[")):
        read_learned(text)


def test_a_tree_without_end_is_refused() -> None:
    tree: object = 1.0
    for _ in range(40):
        tree = ["prompt_words", 1, tree, 0]
    from nano_flow.routing.learned import learned_from

    with pytest.raises(ValueError, match="a node is"):
        learned_from({"learned": 1, "model": {"trees": [tree]}, "curve": [[0, 1]]})
    assert LearnedScore((), {}, 1.0, 0.0, {}, (0.5,), ((0.0, 1.0),)).raw(facts_of(""), read_text(""), 0) == 1.5
