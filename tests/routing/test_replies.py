"""What a reply gives away: sums that are wrong, numbers left out, an end that is none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nano_flow.documents.load import load_routing
from nano_flow.routing.learned import read_learned
from nano_flow.routing.reading import read_text
from nano_flow.routing.replies.advice import cascade_advice
from nano_flow.routing.replies.equations import Sums, check_sums, evaluate, numbers_of
from nano_flow.routing.replies.facts import reply_facts
from nano_flow.routing.replies.judged import JUDGED_FEATURES
from nano_flow.routing.signals import SignalPoints
from tests.routing.world import POLICY, policy_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 + 3 * 4", 14),
        ("(2 + 3) * 4", 20),
        ("-3 - -4", 1),
        ("1,200 / 3.", 400),
        ("40% * 50", 20),
        (".5 * 4", 2),
        ("1 / 0", None),
        ("2 +", None),
        ("2 * ", None),
        ("(2 + 3", None),
        ("2 3", None),
        ("two", None),
        ("", None),
        ("-", None),
        ("1" + " + 1" * 40, None),
    ],
)
def test_arithmetic(text: str, value: float | None) -> None:
    assert evaluate(text) == (None if value is None else pytest.approx(value))


@pytest.mark.parametrize(
    ("text", "read", "wrong"),
    [
        ("so 16 - 3 = 13 eggs, and 9 * $2 = $<<9*2=18>>18.", 2, 0),
        ("16 - 3 = 14", 1, 1),
        ("24 + 8 = 36 lollipops", 1, 1),
        ("11 + 0.5 * 278 = 11 + 139 = <<11+139=150>>150 points", 2, 0),
        ("220 \\* 40/100 = 88", 1, 0),
        ("5 x $5 = $25", 1, 0),
        ("100 / 3 = 33.33", 1, 0),
        ("1 / 4 = 25%", 1, 0),
        ("x = 5 and y = 7", 0, 0),
        ("3 dollars = 3 dollars", 0, 0),
        ("the total is 5 = ", 0, 0),
        ("3 + 4 = seven", 0, 0),
        ("3 + 4 = 8 = 9", 1, 1),
        ("no sums", 0, 0),
        ("2 + 2 = 4 apples a day = 5", 1, 0),
    ],
)
def test_sums_are_done_again(text: str, read: int, wrong: int) -> None:
    found = check_sums(text)
    assert (found.read, found.wrong) == (read, wrong)


def test_numbers_of_a_text() -> None:
    assert numbers_of("1,200 and 3.5, not 7") == [1200, 3.5, 7]


PROMPT = "Janet has 16 eggs, eats 3 and sells the rest for $2 each. How much does she make?"


def test_a_sound_reply_has_no_faults() -> None:
    facts = reply_facts("16 - 3 = 13 eggs are left.\n13 * $2 = $26 a day.\n#### 26", PROMPT)
    assert (facts.equations, facts.wrong_equations, facts.unused_numbers, facts.underived) == (2, 0, 0, 0)
    assert (facts.unfinished, facts.unmarked, facts.fractional, facts.hedges, facts.steps) == (0, 0, 0, 0, 3)
    assert facts.equations_per_number == pytest.approx(2 / 3)
    assert facts.json_valid is None and facts.agreement is None


def test_a_doubtful_reply_shows_its_faults() -> None:
    facts = reply_facts("16 - 3 = 12 eggs. Wait, I am not sure.\nPerhaps it is 7.5", PROMPT, others=["7.5", "26"])
    assert (facts.wrong_equations, facts.unused_numbers, facts.underived, facts.fractional) == (1, 1, 1, 1)
    assert (facts.hedges, facts.corrections, facts.unmarked) == (1, 1, 1)
    assert facts.agreement == 0.5


@pytest.mark.parametrize(
    ("reply", "stopped", "unfinished"),
    [
        ("It is done.", True, 0),
        ("It is done.", False, 1),
        ("so that is 15 + 25 = <<15+2", True, 1),
        ("```python\nx = 1", True, 1),
        ("The cost of the whole wardrobe in all of the shops is 7,50", True, 1),
        ("42", True, 0),
        ("The answer is 42", True, 0),
        ("1 + 1 = 2", True, 1),
        ("", True, 1),
        ("   \n", True, 1),
    ],
)
def test_how_a_reply_ends(reply: str, stopped: bool, unfinished: int) -> None:
    assert reply_facts(reply, stopped=stopped).unfinished == unfinished


@pytest.mark.parametrize(("reply", "valid"), [('{"a": 1}', 1), ("{", 0), ("NaN is fine", 0)])
def test_json_is_valid_or_not_where_it_was_asked_for(reply: str, valid: int) -> None:
    assert reply_facts(reply, wants_json=True).json_valid == valid


def test_replies_without_numbers_agree_by_their_words() -> None:
    assert reply_facts("Paris it is", others=["it is Paris", "London"]).agreement == 0.5
    assert reply_facts("no numbers", "but 5 asked").unused_numbers == 0


CASCADE = """
cascade:
  tiers: [simple, standard, complex]
  base: 1
  signals:
    - {name: arithmetic, feature: wrong_equations, curve: [[0, 0], [1, 6]]}
    - {name: hedging, match: ["not sure"], points: 3}
  escalate_at: 5
"""


def test_a_cascade_judges_a_reply_and_gives_its_reasons() -> None:
    cascade = policy_of(POLICY + CASCADE).cascade
    assert cascade is not None
    wrong = "I am not sure: 2 + 2 = 5"
    judgement = cascade.judge(reply_facts(wrong), read_text(wrong))
    assert judgement.escalate and judgement.score == 10
    assert [points.signal for points in judgement.because] == ["base", "arithmetic", "hedging"]
    sound = "2 + 2 = 4."
    assert not cascade.judge(reply_facts(sound), read_text(sound)).escalate


LEARNED = read_learned(
    "learned: 1\ncurve: [[-1, -2], [1, 12]]\nmodel: {trees: [[prompt.prompt_words, 2, -1, 1]]}", JUDGED_FEATURES
)


@pytest.mark.parametrize(
    ("prompt", "weight", "score", "escalates"),
    [("a long question", 1.0, 10.0, True), ("short", 1.0, 0.0, False), ("a long question", 0.25, 3.25, False)],
)
def test_a_learned_score_is_mixed_in_and_held_to_the_range(
    prompt: str, weight: float, score: float, escalates: bool
) -> None:
    declared = policy_of(POLICY + CASCADE).cascade
    assert declared is not None
    cascade = replace(declared, learned=LEARNED, learned_weight=weight, learned_at="routing.yaml:9")
    judgement = cascade.judge(reply_facts("Yes.", prompt), read_text("Yes."), read_text(prompt))
    assert (judgement.score, judgement.escalate) == (score, escalates)
    assert judgement.because[-1] == SignalPoints("learned", pytest.approx(score - 1), "routing.yaml:9")


def test_what_no_labelled_reply_has_comes_on_top_of_the_learned_score() -> None:
    text = POLICY + CASCADE.replace(
        "- {name: hedging", "- {name: apart, feature: agreement, curve: [[0, 4], [1, 0]]}\n    - {name: hedging"
    )
    declared = policy_of(text).cascade
    assert declared is not None
    cascade = replace(declared, learned=LEARNED, learned_weight=1.0)
    alone, apart = (
        cascade.judge(reply_facts("Yes.", "short", others=others), read_text("Yes."), read_text("short"))
        for others in ((), ("No.",))
    )
    assert (alone.score, apart.score) == (0.0, 4.0)
    assert [points.signal for points in apart.because] == ["base", "apart", "learned"]


@pytest.mark.parametrize(
    ("cascade", "warned"),
    [
        ("signals: [{name: s, feature: agreement, curve: [[0, 1]]}]", 'cascade.signals.0.feature: "agreement" stays'),
        ("signals: [{name: s, match: [x], points: 1}], samples: 2", "cascade.samples: no signal looks at"),
        ("signals: [{name: s, feature: agreement, curve: [[0, 1]]}], samples: 2", ""),
        ("signals: [{name: s, match: [x], points: 1}]", ""),
    ],
)
def test_samples_and_agreement_belong_together(cascade: str, warned: str) -> None:
    source = load_routing(POLICY + f"cascade: {{tiers: [simple, standard], escalate_at: 5, {cascade}}}", "routing.yaml")
    assert source.document.cascade is not None
    said = [f"{d.address}: {d.message}" for d in cascade_advice(source.document.cascade, source.source.value_range)]
    assert len(said) == bool(warned)
    where, _, words = warned.partition(": ")
    assert all(line.startswith(where) and words in line for line in said)


@given(st.text(max_size=300), st.text(max_size=100))
def test_any_reply_can_be_judged(reply: str, prompt: str) -> None:
    facts = reply_facts(reply, prompt, others=[prompt], wants_json=True)
    assert 0 <= facts.wrong_equations <= facts.equations
    assert isinstance(check_sums(reply), Sums)
