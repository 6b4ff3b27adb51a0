"""Which documents are found, and what is wrong in each kind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.refs import ModelRef
from nano_flow.documents.gate.kinds import kind_of_document
from nano_flow.documents.gate.schema import schema_of
from nano_flow.documents.gate.validator import strict_validator
from nano_flow.documents.load import checked
from nano_flow.plan.catalogue_build import build_catalogue
from nano_flow.project.checking import check_file
from nano_flow.project.finding import find_documents
from nano_flow.source.yaml_nodes import read_yaml

ROOT = Path(__file__).parents[2]
GOOD = "nano_flow: 1\nname: t\nsteps:\n  a: {prompt: x}\n"
OURS = [
    path
    for path in (*ROOT.glob("*.yaml"), *(ROOT / "workflows").rglob("*.yaml"))
    if kind_of_document(path.name, {"nano_flow": 1}) is not None and "nano_flow:" in path.read_text(encoding="utf-8")
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(files: dict[str, str]) -> None:
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def said(found: list[Diagnostic]) -> list[tuple[str, str]]:
    return [(diagnostic.code, str(diagnostic.where)) for diagnostic in found]


def test_documents_are_found_by_name_and_by_what_they_say() -> None:
    write({
        "a.yaml": GOOD, "b/c.yml": f"# first\n{GOOD}", "b/providers.yaml": "x", "b/x.test.yaml": "",
        "compose.yaml": "services: {}",
        ".hidden/a.yaml": GOOD, "node_modules/a.yaml": GOOD, "notes.txt": GOOD, "chart.yaml": "a: {{ x }}\n",
    })  # fmt: skip
    assert find_documents([Path()]) == [
        Path("a.yaml"),
        Path("b/c.yml"),
        Path("b/providers.yaml"),
        Path("b/x.test.yaml"),
    ]
    assert find_documents([Path("compose.yaml"), Path("compose.yaml"), Path("b")])[0] == Path("compose.yaml")


@pytest.mark.parametrize(
    ("name", "text", "code", "place"),
    [
        ("compose.yaml", "services: {}\n", "NF200", "1:1"),
        ("w.yaml", "nano_flow: 1\nname: t\n", "NF202", "1:1"),
        ("w.yaml", "- a\n", "NF204", "1:1"),
        ("w.yaml", f"{GOOD}  b: {{needs: [zz], prompt: x}}\n", "NF302", "5:15"),
        ("w.yaml", f"{GOOD}  b: {{prompt: x, model: nope/x}}\n", "NF341", "5:25"),
        ("w.yaml", f"{GOOD}  b: {{prompt: x, model: simpel}}\n", "NF342", "5:25"),
        ("providers.yaml", "nano_flow: 1\nproviders:\n  a: {litellm: x, models: {m: {like: b/c}}}\n", "NF550", "3:38"),
        ("routing.yaml", "nano_flow: 1\ntiers:\n  a: {below: 3, models: [a/b]}\n", "NF511", "3:14"),
        ("pricing.yaml", "nano_flow: 1\nmodels:\n  a/b: [{from: 2025-02-30, input: 1, output: 1}]\n", "NF522", "3:16"),
        ("x.test.yaml", "nano_flow: 1\nworkflow: no.yaml\ncases: {a: {}}\n", "NF601", "2:11"),
    ],
)
def test_each_kind_is_checked(name: str, text: str, code: str, place: str) -> None:
    write({name: text})
    found = check_file(Path(name))
    assert (code, f"{name}:{place}") in said(found)


def test_good_documents_of_each_kind() -> None:
    write({
        "w.yaml": GOOD,
        "x.test.yaml": "nano_flow: 1\nworkflow: w.yaml\ncases: {a: {}}\n",
        "routing.test.yaml": "nano_flow: 1\ncases: {a: {prompt: x, expect: {tier: simple}}}\n",
    })  # fmt: skip
    assert [check_file(path) for path in find_documents([Path()])] == [[], [], []]


def test_a_bad_policy_in_force_is_told_with_the_workflow() -> None:
    write({"w.yaml": GOOD, "routing.yaml": "nano_flow: 1\ntires: {}\n", ".git/HEAD": ""})
    assert ("NF203", "routing.yaml:2:1") in said(check_file(Path("w.yaml")))


@pytest.mark.parametrize("name", ["missing.yaml", "folder", "pipe"])
def test_what_cannot_be_read_is_told(name: str) -> None:
    os.mkdir("folder")
    os.mkfifo("pipe")
    assert said(check_file(Path(name))) == [("NF101", f"{name}:1:1")]


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_both_gates_accept_what_ships(path: Path) -> None:
    source = read_yaml(path.read_bytes(), path.name)
    kind = kind_of_document(path.name, source.data)
    assert kind is not None
    checked(source, kind)
    assert list(strict_validator(schema_of(kind)).iter_errors(source.data)) == []


def test_every_tier_that_ships_has_a_model_that_ships() -> None:
    providers = checked(read_yaml((ROOT / "providers.yaml").read_bytes(), "providers.yaml"), "providers").document
    routing = checked(read_yaml((ROOT / "routing.yaml").read_bytes(), "routing.yaml"), "routing").document
    catalogue = build_catalogue(providers)
    for name, tier in routing.tiers.items():  # so a step without a model is checked without reading the two
        assert any(catalogue.model(ModelRef.parse(ref)) for ref in tier.models), name
