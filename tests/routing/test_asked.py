"""What is asked is told from its material by structure, in any language; words are found as each script writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from nano_flow.core.errors import DocumentError
from nano_flow.documents.load import load_routing
from nano_flow.project.policies import compiled
from nano_flow.routing.facts import facts_of, gather
from nano_flow.routing.reading import read_text
from nano_flow.routing.rules import RoutingPolicy
from nano_flow.routing.within import within_signal
from nano_flow.routing.words.asked import asked_part, english_words

CONTRACT = "\n\n".join(
    f"{n}. The tenant shall prove that the risk of clause {n} is borne, unless agreed." for n in range(60)
)


@pytest.mark.parametrize(
    ("prompt", "ask"),
    [
        ("When does it end? Only the date.\n\n" + CONTRACT, "When does it end? Only the date."),
        ("You are a senior lawyer. Name the tenant.\n\n```\nprove it\n```", "Name the tenant."),
        ("Du bist Anwalt für Mietrecht. Nenne den Mieter.\n\n| a | b |\n| 1 | 2 |", "Nenne den Mieter."),
        ("你是资深律师。只写日期。\n\n| 甲 | 乙 |", "只写日期。"),
        ("ROLE: clerk\nCopy the id.\n\nid,date,amount,state\n70,2024-01-02,55.10,open", "Copy the id."),
        (f"{CONTRACT}\n\nWho is the tenant?", "Who is the tenant?"),
    ],
)
def test_the_asked_part(prompt: str, ask: str) -> None:
    found = asked_part(prompt).ask.text
    assert ask in found and "prove it" not in found and len(found) < 800


def test_opening_and_remarks() -> None:
    asked = asked_part("Hi. Find the date on which the contract ends, and say how sure you are of it. Only the date.")
    assert asked.opening.text.startswith("Hi. Find the date") and "Only" not in asked.opening.text
    assert asked.remarks.text == "Hi.\nOnly the date."


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Write a letter to the tenant", "en"), ("Schreibe einen Brief an die Mieterin", "de"),
        ("Écris une lettre pour le locataire", "fr"), ("Escribe una carta para el inquilino", "es"),
        ("Escreva uma carta para o inquilino, não muito longa", "pt"), ("Napisz list do najemcy i się nie bój", "pl"),
        ("Kiracı için bir mektup yaz", "tr"), ("Напиши письмо арендатору", "ru"), ("اكتب رسالة إلى المستأجر", "ar"),
        ("किरायेदार को पत्र लिखिए", "hi"), ("给租户写一封信", "zh"), ("借主に手紙を書いてください", "ja"),
        ("17% of 240?", "en"), ("Напиши її листа", "uk"), ("یک نامه برای مستاجر بنویس چرا", "fa"),
        ("เขียนจดหมาย", "th"), ("···ᚠᚠᚠᚠ", "en"),
    ],
)  # fmt: skip
def test_languages(text: str, language: str) -> None:
    assert read_text(text).language == language
    assert facts_of(text).as_json()["language"] == language


def test_lengths_are_those_of_an_english_text() -> None:
    assert english_words("Write a letter to the tenant") == 6
    assert 3 < english_words("给租户写一封信") < 6 and 4 < english_words("借主に手紙を書いてください") < 8


@pytest.mark.parametrize(
    ("entries", "prompt", "found"),
    [
        (["prove", "proof*"], "Prove it; proofs count.", ("ask:proof*", "ask:prove")),
        (["contradict*", "contradiction*"], "Two contradictions.", ("ask:contradiction*",)),
        (["at all", "who is right"], "Can it be done at  all?", ("ask:at all",)),
        (["докаж*"], "Докажите это.", ("ask:докаж*",)),
        (["أثبت"], "اكتبه وأثبت صحته", ("ask:أثبت",)),
        (["सिद्ध"], "इसे सिद्ध कीजिए", ("ask:सिद्ध",)),
        (["证明", "证明书"], "请出具证明书", ("ask:证明书",)),
        (["/pro+f/"], "A PROOF.", ("ask:/pro+f/",)),
        (["prove"], "Improve it.", ()),
    ],
)
def test_words_are_found_once_each(entries: list[str], prompt: str, found: tuple[str, ...]) -> None:
    reading = read_text(prompt)
    given = within_signal("s", "r:1", "ask", entries, 2.0, 3.0).points(gather(reading), reading)
    assert (given.found if given else ()) == found
    assert given is None or given.points == min(3.0, 2.0 * len(found))


POLICY = """nano_flow: 1
complexity:
  base: 1
  signals:
    - {name: proof, match: [prove], within: ask, points: 4, unless_language: {languages: [en], points: 0.5}}
  questions: {unless: {proof: 1}, base: 0, signals: [{name: length, feature: prompt_words, curve: [[0, 0], [10, 5]]}]}
tiers: {low: {below: 3, models: [sim/small]}, high: {models: [sim/large]}}
"""


def policy(text: str = POLICY) -> RoutingPolicy:
    return compiled(load_routing(text, "routing.yaml"), str(Path.cwd()))


def score(prompt: str) -> tuple[float, list[str]]:
    reading = read_text(prompt)
    total, because = policy().complexity(gather(reading), reading)
    return round(total, 2), [points.signal for points in because]


def test_bare_questions_are_scored_by_their_own_signals_and_no_language_lacks_points_for_words() -> None:
    assert score("Prove it") == (5.0, ["base", "proof"])
    assert score("Is it so or not") == (2.5, ["length"])
    other = POLICY.replace("unless: {proof: 1}", "unless: {proof: 9}").replace("  questions", "  # questions")
    reading = read_text("Покажи это")
    assert policy(other).complexity(gather(reading), reading)[0] == 1.5


def test_questions_name_signals_that_exist() -> None:
    with pytest.raises(DocumentError, match='there is no signal "prof"'):
        policy(POLICY.replace("unless: {proof", "unless: {prof"))


@pytest.mark.parametrize(
    ("prompt", "tier"),
    [
        ("Name the landlord. Only the name.\n\n" + CONTRACT, "simple"),
        ("Nenne den Vermieter. Nur den Namen.\n\n" + CONTRACT, "simple"),
        ("Prove that the schedule is optimal, or give a counterexample and decide which claim to give up.", "complex"),
        (
            "Докажите, что расписание оптимально, или дайте контрпример и решите, от какого утверждения отказаться.",
            "complex",
        ),
        ("证明该调度是最优的，或者给出反例，并决定放弃哪一个论点，为什么。", "complex"),
    ],
)
def test_the_shipped_score_weighs_what_is_asked_and_not_the_material(prompt: str, tier: str) -> None:
    from nano_flow.bundled import bundled_text

    shipped = policy(bundled_text("routing.yaml"))
    reading = read_text(prompt)
    assert shipped.tiers[shipped.tier_for(shipped.complexity(gather(reading), reading)[0])].name == tier


def test_a_prompt_of_nothing_but_material_is_read_all_the_same() -> None:
    assert asked_part("| a | b |\n| 1 | 2 |").ask.text.startswith("| a")
    assert asked_part("## Notes\n\n## More").ask.text != ""
    long = "Say what it is.\n\n" + "word " * 4_000 + "\n\nWhere is it?"
    assert asked_part(long).ask.text.endswith("Where is it?") and facts_of(long).prompt.material_words > 3_900
    assert facts_of("документ " * 3_000).prompt.material_words > 2_500


@pytest.mark.parametrize(
    ("prompt", "words", "longest", "commas", "colons", "numbers"),
    [
        ("Name the tenant, the rent and the term: 3 lines. Only that.", 12, 10, 1, 1, 1),
        ("Nenne Mieter, Miete und Laufzeit: 3 Zeilen.\n\n| a, b: 1 | 2 |\n| c | 4 |", 7, 7, 1, 1, 1),
        ("只写租户，租金：三行。", 5.5, 5.5, 1, 1, 0),
        ("", 0, 0, 0, 0, 0),
    ],
)
def test_what_is_asked_is_counted_without_its_material(
    prompt: str, words: float, longest: float, commas: int, colons: int, numbers: int
) -> None:
    found = facts_of(prompt).prompt
    assert found.asked_words == pytest.approx(words, abs=1) and found.asked_longest == pytest.approx(longest, abs=1)
    assert (found.asked_commas, found.asked_colons, found.asked_numbers) == (commas, colons, numbers)


def routed(complexity: str) -> RoutingPolicy:
    return policy(f"nano_flow: 1\ncomplexity: {complexity}\ntiers: {{all: {{models: [sim/small]}}}}\n")


def test_what_is_no_bare_question_by_its_facts_is_scored_as_an_order() -> None:
    ruled = routed(
        "{base: 1, signals: [{name: order, match: [write], points: 1}],"
        " questions: {unless: {order: 1}, when: blank_lines == 0, base: 5, signals: []}}"
    )

    readings = [read_text(prompt) for prompt in ("Who is it?", "Write.", "Who is it?\n\nA contract.")]
    assert [ruled.complexity(gather(reading), reading)[0] for reading in readings] == [5, 2, 1]


@pytest.mark.parametrize("when", ["kind == 'code'", "signals.order > 0", "'x' in prompt", "unknown_fact > 0"])
def test_the_score_of_questions_hangs_on_facts_alone(when: str) -> None:
    with pytest.raises(DocumentError, match="fact"):
        routed(
            "{signals: [{name: order, match: [write], points: 1}],"
            f' questions: {{unless: {{order: 1}}, when: "{when}", signals: []}}}}'
        )
