"""The labels of recorded runs: whose they are, what they give to learn from, and what they say of another policy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nano_flow.core.errors import UsageError
from nano_flow.core.events import Event, ReplyChecked, RouteDecided
from nano_flow.core.messages import Message
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.sending.fingerprint import prompt_digest
from nano_flow.project.policies import Policies
from nano_flow.review.asking import Question, request_of
from nano_flow.review.fitting import recipes
from nano_flow.review.labelled.held import Known, labelled
from nano_flow.review.labelled.material import LEAST, learn_recorded, material
from nano_flow.review.ladders.quality import Quality, quality, wilson
from nano_flow.review.recorded import recorded_calls, vocabulary
from nano_flow.routing.labels.conversations import Basis
from nano_flow.routing.labels.outcomes import Outcome
from nano_flow.routing.rules import Tier
from tests.review.shipped import shipped_policies

WEAK, STRONG = "openai/gpt-5-nano", "openai/gpt-5-mini"
Checks = tuple[tuple[str, bool], ...]


@pytest.fixture(scope="module")
def policies() -> Policies:
    return shipped_policies()


def events(policies: Policies, prompt: str, checks: Checks, address: str = "a", **more: Any) -> list[Event]:
    """The decisions on one prompt, and what was said of the reply of each turn: (model, passed)."""
    request = request_of(Question(prompt))
    score, because = policies.routing.complexity(request.facts, request.reading)
    decision = {
        "facts": request.facts.as_json(),
        "because": [points.as_json() for points in because],
        "requested": "auto",
        "asked": {},
    }
    digest = prompt_digest([Message("user", prompt)])
    told: list[Event] = []
    for turn, (model, passed) in enumerate(checks):
        told.append(RouteDecided(1.0, address, turn, "auto", score, None, decision))  # type: ignore[arg-type]
        told.append(ReplyChecked(1.0, address, turn, model, passed, "check", digest, **more))
    return told


def calls(policies: Policies, told: list[Event], run: str = "r") -> list[Known]:
    looked_for = vocabulary(policies)
    return [(call, looked_for) for call in recorded_calls(run, told)]


def many(policies: Policies, count: int, **more: Any) -> list[Known]:
    """Prompts of which the weak model fails every third; the strong one is asked then, and passes every second."""
    told: list[Event] = []
    for n in range(count):
        checks: Checks = ((WEAK, False), (STRONG, n % 2 == 0)) if n % 3 == 0 else ((WEAK, True),)
        told += events(policies, f"Prove {n} that water is wet, in {n} ways", checks, f"a[{n}]", **more)
    return calls(policies, told)


def test_a_conversation_keeps_the_last_outcome_of_each_model_in_the_order_they_were_asked(policies: Policies) -> None:
    told = events(policies, "Prove it", ((WEAK, False), (WEAK, True), (STRONG, False)), "g[2].a")
    (held,) = labelled(calls(policies, told))
    assert dict(held.said.right) == {WEAK: 1.0, STRONG: 0.0} and held.said.first == WEAK
    assert (held.said.group, held.replies, held.first.turn) == ("g.a", 3, 0)
    retried = [*told, *(RouteDecided(1.0, "g[2].a", 1000, "auto", 1.0, None, told[0].decision),)]  # type: ignore[union-attr]
    again = ReplyChecked(1.0, "g[2].a", 1000, STRONG, True, "check", held.said.prompt)
    assert [list(each.said.right) for each in labelled(calls(policies, [*retried, again]))] == [
        [WEAK, STRONG],
        [STRONG],
    ]
    assert labelled(calls(policies, told[:1])) == []


def test_a_cascade_is_one_call_that_began_with_its_first_decision(policies: Policies) -> None:
    first, checked = events(policies, "Prove it", ((STRONG, True),))
    assert isinstance(first, RouteDecided)
    verdict = replace(first, decision={**first.decision, "cascade_verdict": {"escalate": True}})
    higher = replace(first, decision={**first.decision, "requested": "standard"})
    unsure = replace(higher, decision={**higher.decision, "cascade_verdict": {"escalate": False}})
    (call,) = recorded_calls("r", [first, verdict, higher, unsure, checked])
    assert call.decision == verdict.decision and call.checked == checked
    (again,) = recorded_calls("r", [first, verdict, higher, checked, first])
    assert again.decision == first.decision and again.checked is None


def test_the_rows_are_facts_and_declared_words_without_any_text(policies: Policies) -> None:
    found = material(labelled(many(policies, 60)), policies, None, None)
    assert (found.pair.weak, found.pair.strong, len(found.rows)) == (WEAK, STRONG, 60)
    assert found.basis == Basis(compared=0, escalated=20, assumed=40, left_out=0)
    assert sum(row.gain for row in found.rows) == 10
    request = request_of(Question("Prove 7 that water is wet, in 7 ways"))
    row = found.rows[7]
    assert row.facts.as_json() == request.facts.as_json()
    assert row.declared == pytest.approx(policies.routing.scorer.score(request.facts, request.reading)[0], abs=1e-3)
    assert row.reading.text == "" and b"ask:prove" in row.reading.distinct
    assert {"craft_words", "asks_which"} <= found.groups.keys() and "asks_who" not in found.groups
    assert len({row.prompt for row in found.rows}) == 60
    assert all(recipe.declared for recipe in recipes(found.rows))


def test_word_lists_that_some_run_did_not_look_for_are_not_learned_from(policies: Policies) -> None:
    held = many(policies, 60)
    assert material(labelled([*held[1:], (held[0][0], None)]), policies, WEAK, STRONG).groups == {}


def test_prompts_that_the_weak_model_never_got_stay_above_those_it_got(policies: Policies, library: None) -> None:
    told: list[Event] = []
    for n in range(120):
        mark, checks = ("?", ((WEAK, False), (STRONG, True))) if n % 3 == 0 else (".", ((WEAK, True),))
        told += events(policies, f"Tell me {'of tea ' * (n % 7)}{n}{mark}", checks, f"a[{n}]")  # type: ignore[arg-type]
    hard = [f"Design a service of {n} modules in {n}00 lines of code, if all of them are needed." for n in range(2, 40)]
    for n, text in enumerate(hard):
        told += events(policies, text, ((STRONG, True),), f"b[{n}]")[:1]
    learning = learn_recorded(calls(policies, told), policies, None, None)
    assert learning.scored[1] < 4 and learning.basis == Basis(0, 40, 80, 0) and learning.trained.held_out.convinces
    score = learning.trained.score
    above, asked = [], []
    for text in [*hard, "Tell me 7?", "Tell me 7."]:
        request = request_of(Question(text))
        declared = policies.routing.scorer.score(request.facts, request.reading)[0]
        (above if text in hard else asked).append(score.score(request.facts, request.reading, declared))
    assert asked[0] > asked[1] and min(above) > asked[1] and min(above) > 2


def test_too_few_labels_are_refused_with_what_there_is_and_what_to_do(policies: Policies) -> None:
    with pytest.raises(UsageError) as few:
        material(labelled(many(policies, 10)), policies, None, None)
    said = str(few.value)
    assert f'10 labelled prompts tell "{WEAK}" from "{STRONG}", at least {LEAST} are needed' in said
    assert f"{STRONG} 4 (2 passed); {WEAK} 10 (6 passed)" in said
    assert "files of outcomes: nano-flow policy train outcomes.jsonl" in said and "simulated" not in said
    with pytest.raises(UsageError, match="by model: none"):
        material([], policies, None, None)


def test_simulated_labels_are_learned_from_only_where_their_models_are_named(policies: Policies) -> None:
    held = labelled(many(policies, 60, simulated=True))
    with pytest.raises(
        UsageError, match="60 \\(40 passed, simulated\\)\nsimulated replies say nothing of other models"
    ):
        material(held, policies, None, None)
    assert len(material(held, policies, WEAK, None).rows) == 60


def test_quality_is_looked_up_for_the_model_that_would_be_asked_first(policies: Policies) -> None:
    told = [
        *events(policies, "Say a word", ((WEAK, True),), "a"),
        *events(policies, "Say a word", ((WEAK, False), (STRONG, True)), "b"),
        *events(policies, "Say two words", ((STRONG, False),), "c"),
        *events(policies, "Say three words", (("openai/gpt-5", True), (WEAK, True)), "d"),
    ]
    found = quality(calls(policies, told), [], all_to(policies, WEAK), 0.0)
    assert found is not None
    assert (found.labels, found.right, found.calls, found.unknown, found.harder) == (2, 0.75, 3, 1, 1)
    assert found.low == pytest.approx(wilson(1.5, 2).low)
    assert found.as_json()["right"] == 0.75 and not found.simulated


def all_to(policies: Policies, model: str, above: str = "") -> Policies:
    """The same policies, where every prompt goes to ``model``, of a tier above that of ``above``."""
    tiers = [Tier("low", 0.0, (ModelRef.parse(above),))] if above else []
    tiers.append(Tier("all", None, (ModelRef.parse(model),)))
    return replace(policies, routing=replace(policies.routing, tiers=tuple(tiers)))


def test_what_a_lower_tier_passed_is_taken_for_passed_above_it_and_said_apart(policies: Policies) -> None:
    told = [
        *events(policies, "Say a word", ((WEAK, True),), "a"),
        *events(policies, "Say two words", ((WEAK, False), (STRONG, False)), "b"),
        *events(policies, "Say three words", ((WEAK, False),), "c"),
        *events(policies, "Say four words", (("mine", True),), "d"),
    ]
    found = quality(calls(policies, told), [], all_to(policies, STRONG, above=WEAK), 0.0)
    assert found is not None
    assert (found.labels, found.right, found.unknown, found.assumed) == (1, 0.0, 3, 1)
    assert (found.right_assumed, found.as_json()["right_assumed"]) == (0.5, 0.5)


def test_labels_of_files_and_of_the_journal_are_put_together(policies: Policies) -> None:
    cheap = all_to(policies, WEAK)
    recorded = calls(policies, events(policies, "Say a word", ((STRONG, True),)))
    rows = [Outcome("Say a word", WEAK, 1.0), Outcome("Say something else", WEAK, 0.0)]
    found = quality(recorded, rows, cheap, 0.0)
    assert found is not None and (found.labels, found.right, found.calls) == (2, 0.5, 1)
    assert quality([], rows[1:], cheap, 0.0) == wilson(0.0, 1)


def test_where_nothing_is_known_of_the_chosen_model_nothing_is_claimed(policies: Policies) -> None:
    recorded = calls(policies, events(policies, "Say a word", ((STRONG, True),)))
    found = quality(recorded, [], all_to(policies, WEAK), 0.0)
    assert found == Quality(0, 0.0, 0.0, 1.0, unknown=1) and found.as_json()["right"] is None
    assert quality([], [], policies, 0.0) is None
