"""What checks said of the models of conversations, made into a pair: what is known, assumed and left out."""

from __future__ import annotations

import pytest

from nano_flow.routing.labels.conversations import Basis, Conversation, outcome_of, pair_of

S, M, L = "x/small", "x/medium", "x/large"


def said(prompt: str, group: str = "", **right: float) -> Conversation:
    return Conversation(prompt, {f"x/{model}": share for model, share in right.items()}, group)


ESCALATIONS = [
    said("a", small=0, medium=1, group="g"),
    said("b", small=0, medium=0),
    said("c", small=1),
    said("d", small=0),
    said("e", medium=1),
]


def test_escalations_give_gains_and_what_the_weak_model_passed_counts_as_none() -> None:
    pair, basis = pair_of(ESCALATIONS)
    assert (pair.weak, pair.strong) == (S, M)
    assert [(e.prompt, e.gain, e.group) for e in pair.examples] == [("a", 1, "g"), ("b", 0, ""), ("c", 0, "")]
    assert basis == Basis(compared=0, escalated=2, assumed=1, left_out=2)
    assert basis.known == 2


def test_a_prompt_asked_of_both_from_the_start_gives_the_difference_of_their_shares() -> None:
    held = [
        said("a", small=1),
        said("a", small=0, medium=0),
        said("a", medium=1),
        said("b", medium=0),
        said("b", small=1),
    ]
    pair, basis = pair_of(held, weak=S, strong=M)
    assert [(e.prompt, e.gain) for e in pair.examples] == [("a", 0.5), ("b", -1)]
    assert basis == Basis(compared=2, escalated=0, assumed=0, left_out=0)


def test_an_escalation_counts_among_the_times_that_the_weak_model_passed() -> None:
    pair, _ = pair_of([said("a", small=1), said("a", small=1), said("a", small=0, medium=1), said("a", small=0)])
    assert pair.examples[0].gain == pytest.approx(1 / 3)


def test_of_several_models_those_with_most_prompts_in_common_are_taken_as_far_as_they_are_not_named() -> None:
    held = [said("a", small=0, medium=0, large=1), said("b", small=0, medium=1), said("c", medium=0, large=1)]
    held += [said("d", medium=0, large=0)]
    assert [pair_of(held)[0].weak, pair_of(held)[0].strong] == [M, L]
    assert [pair_of(held, weak=S)[0].strong, pair_of(held, strong=M)[0].weak] == [M, S]
    assert pair_of(held, weak=S, strong=L)[1] == Basis(compared=0, escalated=1, assumed=0, left_out=3)


def test_where_neither_was_asked_after_the_other_the_one_that_is_right_less_often_is_the_weak_one() -> None:
    held = [said(prompt, **{model: right}) for prompt in "ab" for model, right in (("large", 1), ("small", 0))]
    pair, basis = pair_of(held)
    assert (pair.weak, pair.strong, basis.compared) == (S, L, 2)


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        ({}, "both a weaker model and a stronger one"),
        ({"weak": L}, 'both "x/large" and a stronger one'),
        ({"weak": S, "strong": M}, 'both "x/small" and "x/medium"'),
    ],
)
def test_without_a_prompt_of_two_models_there_is_no_pair(names: dict[str, str], missing: str) -> None:
    with pytest.raises(ValueError, match=f"no prompt has outcomes of {missing}"):
        pair_of([said("a", small=1), said("b", medium=1)], **names)


def test_what_is_known_of_a_model_where_it_was_asked_first_counts_alone() -> None:
    held = [said("a", small=0, medium=1), said("a", medium=0)]
    assert outcome_of(held, M) == (0, False)
    assert outcome_of(held[:1], M) == (1, True)
    assert outcome_of(held, S) == (0, False)
    assert outcome_of(held, L) is None
