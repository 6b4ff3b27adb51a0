"""Documents that extend others: what the whole says, and where each part of it stands."""

from __future__ import annotations

from nano_flow.source.layers import LayeredDocument, layered
from nano_flow.source.yaml_nodes import read_yaml

BASE = """\
tiers:
  low: {below: 3, models: [a/x, a/y]}
  high: {models: [a/z]}
policies:
  default:
    rules:
      - {name: private, provider: a}
      - {when: big, tier: high}
gone: {a: 1}
"""
OWN = """\
tiers:
  low: {models: [b/n]}
policies:
  default:
    rules:
      - {when: mine, tier: low}
      - {name: private, provider: b}
gone: null
new: {b: 2}
"""


def whole(*texts: str) -> LayeredDocument:
    sources = [read_yaml(text, f"{number}.yaml") for number, text in enumerate(texts)]
    return layered(sources, lambda path: path[-1:] == ("rules",))


def place(document: LayeredDocument, *path: str | int) -> tuple[str, int]:
    where = document.value_range(path)
    return where.file, where.line


def test_mappings_merge_lists_replace_and_null_removes() -> None:
    data = whole(OWN, BASE).data
    assert data["tiers"] == {"low": {"below": 3, "models": ["b/n"]}, "high": {"models": ["a/z"]}}
    assert "gone" not in data and data["new"] == {"b": 2}


def test_a_named_rule_takes_the_place_of_its_namesake_and_the_others_stand_first() -> None:
    rules = whole(OWN, BASE).data["policies"]["default"]["rules"]
    assert rules == [
        {"when": "mine", "tier": "low"},
        {"name": "private", "provider": "b"},
        {"when": "big", "tier": "high"},
    ]


def test_everything_is_shown_where_it_stands() -> None:
    document = whole(OWN, BASE)
    assert place(document, "tiers", "low", "models") == ("0.yaml", 2)
    assert place(document, "tiers", "low", "below") == ("1.yaml", 2)
    assert place(document, "tiers", "high", "models", 0) == ("1.yaml", 3)
    rules = ("policies", "default", "rules")
    assert [place(document, *rules, index) for index in range(3)] == [("0.yaml", 6), ("0.yaml", 7), ("1.yaml", 8)]
    assert place(document, "policies", "default", "rules", 2, "tier") == ("1.yaml", 8)
    assert place(document, "nowhere") == ("0.yaml", 1)


def test_a_third_file_stands_under_the_second() -> None:
    top = "policies: {default: {rules: [{name: private, provider: c}]}}\ntiers: {low: {below: 4}}\n"
    document = whole(top, OWN, BASE)
    rules = document.data["policies"]["default"]["rules"]
    assert [rule.get("provider") for rule in rules] == [None, "c", None]
    assert place(document, "policies", "default", "rules", 1, "provider") == ("0.yaml", 1)
    assert place(document, "policies", "default", "rules", 2) == ("2.yaml", 8)
    assert place(document, "tiers", "low", "models") == ("1.yaml", 2)
    assert document.data["tiers"]["low"] == {"below": 4, "models": ["b/n"]}
