"""Kinds of task in ten languages, rules that see signals, kinds, languages and personal data, and check digits."""

from __future__ import annotations

from pathlib import Path

import pytest

from nano_flow.bundled import bundled_text
from nano_flow.core.errors import DocumentError
from nano_flow.documents.load import load_routing
from nano_flow.plan.call_specs import RouteSpec
from nano_flow.project.policies import compiled
from nano_flow.routing.choose import decide
from nano_flow.routing.facts import gather
from nano_flow.routing.reading import read_text
from nano_flow.routing.request import RouteDecision, RouteRequest
from nano_flow.routing.rules import RoutingPolicy
from nano_flow.routing.words.personal import personal_data
from tests.routing import world

POLICY = """nano_flow: 1
complexity:
  signals:
    - {name: hard, match: [prove], points: 6}
    - {name: many, match: [all], points: 1, within: ask}
kinds:
  translation: {match: [translate, übersetze], within: opening, models: [anthropic/haiku]}
  code: {match: [python], when: prompt_words < 9, floor: complex}
  sums: {match: [add], tier: simple}
tiers: {simple: {below: 3, models: [openai/nano]}, complex: {models: [openai/large, ollama/llama3]}}
policies: {default: {rules: [RULE]}}
"""


def policy(rule: str = "") -> RoutingPolicy:
    return compiled(load_routing(POLICY.replace("RULE", rule), "routing.yaml"), str(Path.cwd()))


def decided(prompt: str, rule: str = "", model: str = "auto") -> RouteDecision:
    reading = read_text(prompt)
    request = RouteRequest(gather(reading), reading, RouteSpec(model))
    return decide(request, policy(rule), world.CATALOGUE, world.observe())


@pytest.mark.parametrize(
    ("prompt", "kind", "model"),
    [
        ("Translate it.", "translation", "anthropic/haiku"),
        ("Say all of it to me now. Translate nothing.", None, "openai/nano"),
        ("Use python.", "code", "openai/large"),
        ("Use python for this and that and so on and on.", None, "openai/nano"),
        ("Prove it and add up.", "sums", "openai/nano"),
        ("Prove it.", None, "openai/large"),
    ],
)
def test_the_first_kind_that_holds_names_the_call_and_decides_where_no_rule_does(
    prompt: str, kind: str | None, model: str
) -> None:
    decision = decided(prompt)
    assert (decision.kind, str(decision.model)) == (kind, model)
    assert decision.as_json()["kind"] == kind
    assert any(points.signal == f"kind: {kind}" for points in decision.because) == (kind is not None)


def test_a_rule_and_a_pinned_model_stand_above_a_kind() -> None:
    assert str(decided("Translate it.", "{when: \"kind == 'translation'\", tier: complex}").model) == "openai/large"
    assert str(decided("Translate it.", model="openai/large").model) == "openai/large"


@pytest.mark.parametrize(
    ("when", "prompt", "holds"),
    [
        ("signals.hard > 0 and kind is none", "Prove it.", True),
        ("signals.hard > 0", "Say it.", False),
        ("signals.many > 0", "Say it all.", True),
        ("language == 'de'", "Schreibe das und das nicht.", True),
        ("'iban' in (prompt | lower)", "What is an IBAN?", True),
        ("'iban' in personal", "Pay DE89 3704 0044 0532 0130 00 today.", True),
        ("'iban' in personal", "Pay DE88 3704 0044 0532 0130 00 today.", False),
        ("personal", "Call nobody.", False),
    ],
)
def test_rules_see_signals_kinds_languages_the_prompt_and_personal_data(when: str, prompt: str, holds: bool) -> None:
    rule = f'{{when: "{when}", provider: ollama, because: seen}}'
    assert (str(decided(prompt, rule).model) == "ollama/llama3") == holds


def test_a_signal_that_does_not_exist_is_refused_with_a_proposal() -> None:
    with pytest.raises(DocumentError) as caught:
        policy('{when: "signals.hart > 0", tier: complex}')
    assert caught.value.diagnostics[0].hint == 'did you mean "hard"?'


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("write to ada@example.org please", ("email",)),
        ("card 4111 1111 1111 1111, ok", ("card",)),
        ("order 4111 1111 1111 1112, ok", ()),
        ("GB82WEST12345698765432", ("iban",)),
        ("ssn 123-45-6789", ("social_security",)),
        ("number 000-45-6789 and 666-45-6789", ()),
        ("call +49 30 901820 or (555) 123-4567", ("phone",)),
        ("221 Baker Street", ("address",)),
        ("Hauptstraße 12", ("address",)),
        ("12 rue de la Paix", ("address",)),
        ("version 1.2.3, 2024-05-01, 10:30, 1,000,000 rows, 192.168.10.12", ()),
        ("no digits at all", ()),
        ("IBAN DE89 3704 0044 0532 0130 00 und Tel. 0049 30 901820", ("iban", "phone")),
        ("رقم البطاقة ٤١١١ ١١١١ ١١١١ ١١١١", ("card",)),
        ("カード番号 ４１１１-１１１１-１１１１-１１１１", ("card",)),
        ("Calle de Alcalá, 48", ("address",)),
        ("via mail, on place 3, the weg 4 is true", ()),
        ("Amount 4111.1111.1111 on 2024-01-02; tel none", ()),
    ],
)
def test_personal_data_is_found_by_form_and_check_digits(text: str, kinds: tuple[str, ...]) -> None:
    assert personal_data(text) == kinds


@pytest.mark.parametrize(
    ("kind", "prompts"),
    [
        (
            "translation",
            [
                "Translate this: hello",
                "Übersetze das: hallo",
                "Traduis ceci : bonjour",
                "Traduce esto: hola",
                "Traduza isto: olá",
                "Przetłumacz to: cześć",
                "Переведи это: привет",
                "ترجم هذا: مرحبا",
                "इसका अनुवाद कीजिए: नमस्ते",
                "把这个翻译成英文：你好",
                "これを英訳して：こんにちは",
            ],
        ),
        (
            "summary",
            [
                "Summarise the report",
                "Fasse den Bericht zusammen",
                "Résume le rapport",
                "Haz un resumen del informe",
                "Riassumi il testo",
                "Streść raport",
                "Сделай резюме отчёта",
                "Raporu özetle",
                "لخص التقرير",
                "रिपोर्ट का सारांश दीजिए",
                "总结这份报告",
                "報告書を要約して",
            ],
        ),
        (
            "data_extraction",
            [
                "Extract the dates",
                "Extrahiere die Daten",
                "Extrais les dates",
                "Extrae las fechas",
                "Extraia as datas",
                "Wyodrębnij daty",
                "Извлеки даты",
                "استخرج التواريخ",
                "तारीखें निकालिए",
                "提取日期",
                "日付を抽出して",
            ],
        ),
    ],
)
def test_shipped_kinds_work_in_ten_languages(kind: str, prompts: list[str]) -> None:
    shipped = compiled(load_routing(bundled_text("routing.yaml"), "routing.yaml"), str(Path.cwd()))
    for prompt in prompts:
        reading = read_text(prompt)
        names = gather(reading).as_json()
        first = next((each.name for each in shipped.kinds if each.found(names, reading) is not None), None)
        assert (prompt, first) == (prompt, kind)


def test_a_policy_names_its_cascade_and_the_one_that_ships_keeps_personal_data_here() -> None:
    shipped = compiled(load_routing(bundled_text("routing.yaml"), "routing.yaml"), str(Path.cwd()))
    assert shipped.cascade_of("default") is None
    cascade = shipped.cascade_of("cascade")
    assert cascade is not None and len(cascade.scorer.signals) == 9 and cascade.tiers == ("simple", "standard")
    own, usual = (shipped.rules_of(name).rules for name in ("cascade", "default"))
    assert [(rule.providers, rule.fallback) for rule in own] == [(rule.providers, rule.fallback) for rule in usual]
    with pytest.raises(DocumentError, match='there is no cascade "sums"'):
        compiled(load_routing(POLICY.replace("rules: [RULE]", "cascade: sums"), "routing.yaml"), str(Path.cwd()))


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ("{a: {match: [x], tier: simple, floor: complex}}", "a kind takes one of tier, models and floor"),
        ("{a: {tier: simple}}", 'has neither "match" nor "when"'),
        ("{a: {match: [x], tier: smple}}", 'there is no tier "smple"'),
        ("{a: {match: ['/(/']}}", "cannot be used"),
        ("{a: {when: nope > 1}}", 'there is no fact "nope"'),
    ],
)
def test_what_is_wrong_with_a_kind_is_said(kinds: str, said: str) -> None:
    start, end = POLICY.index("kinds:"), POLICY.index("tiers:")
    text = f"{POLICY[:start]}kinds: {kinds}\n{POLICY[end:]}".replace("RULE", "")
    with pytest.raises(DocumentError) as caught:
        compiled(load_routing(text, "routing.yaml"), str(Path.cwd()))
    assert any(said in d.message for d in caught.value.diagnostics)


def test_an_order_may_name_its_tier_and_a_kind_without_words_needs_only_its_condition() -> None:
    text = POLICY.replace("RULE", "").replace("{match: [add], tier: simple}", "{when: prompt_words > 3, tier: complex}")
    reading = read_text("One two three four.")
    made = compiled(load_routing(text, "routing.yaml"), str(Path.cwd()))
    decision = decide(RouteRequest(gather(reading), reading), made, world.CATALOGUE, world.observe())
    assert (decision.kind, decision.tier) == ("sums", "complex")
