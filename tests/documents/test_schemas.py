"""The committed schemas are those of the models, and describe what an editor shows."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from nano_flow.documents import export
from nano_flow.documents.steps import STEP_KINDS
from nano_flow.source.yaml_nodes import read_yaml
from tests.documents.test_models import WORKFLOW

SCHEMAS = Path(__file__).parents[2] / "schemas"


def test_the_committed_schemas_have_not_drifted() -> None:
    assert export.drifted(SCHEMAS) == []
    assert {path.name for path in SCHEMAS.iterdir()} == set(export.exported())


@pytest.mark.parametrize("name", export.TITLES)
def test_each_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(json.loads(export.schema_text(name)))


def test_a_plain_validator_accepts_the_contracts_example() -> None:
    schema = json.loads((SCHEMAS / "workflow.schema.json").read_text(encoding="utf-8"))
    assert list(Draft202012Validator(schema).iter_errors(read_yaml(WORKFLOW, "w").data)) == []


def test_the_kinds_of_step_are_those_of_the_table() -> None:
    step = export.described_schema("workflow")["$defs"]["Step"]
    assert sorted(branch["required"][0] for branch in step["oneOf"]) == sorted(STEP_KINDS)
    assert sorted(step["properties"]) == sorted(STEP_KINDS)


@pytest.mark.parametrize("name", export.TITLES)
def test_every_key_is_described(name: str) -> None:
    schema = export.described_schema(name)
    silent = [
        f"{title}.{key}"
        for title, definition in {"": schema, **schema.get("$defs", {})}.items()
        for key, value in definition.get("properties", {}).items()
        if not value.get("description")
    ]
    assert silent == []


def test_run_as_a_module_it_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["export", str(tmp_path)])
    monkeypatch.delitem(sys.modules, "nano_flow.documents.export")
    runpy.run_module("nano_flow.documents.export", run_name="__main__")
    assert export.drifted(tmp_path) == []


def test_writing_changes_only_what_differs(tmp_path: Path) -> None:
    assert len(export.write(tmp_path)) == len(export.TITLES)
    assert export.write(tmp_path) == []
    (tmp_path / "test.schema.json").write_text("{}", encoding="utf-8")
    assert export.drifted(tmp_path) == ["test.schema.json"]
    assert [path.name for path in export.write(tmp_path)] == ["test.schema.json"]


@pytest.mark.parametrize(
    ("name", "text", "good"),
    [
        ("providers", "extends: shipped", True),
        (
            "providers",
            "extends: shipped\nproviders: {openai: {models: {x: {like: openai/gpt-5.5}}}, cohere: null}",
            True,
        ),
        ("providers", "extends: shipped\nproviders: {openai: {modles: {}}}", False),
        ("providers", "providers: {openai: {models: {}}}", False),
        ("providers", "providers: {openai: {api: openai, litellm: openai}}", False),
        ("providers", "providers: {openai: {api: openai}}", True),
        ("routing", "extends: shipped", True),
        ("routing", "extends: shipped\ntiers: {simple: {below: 4}}\nfallback: {cooldown: {after: 5}}", True),
        ("routing", "tiers: {simple: {below: 4}}", False),
        ("routing", "complexity: {base: 1}", False),
        ("pricing", "extends: shipped", True),
        ("pricing", "extends: shipped\nmodels: {openai/gpt-5: null, a/b: free}", True),
        ("pricing", "currency: USD", False),
    ],
)
def test_an_editor_wants_of_a_file_that_extends_only_what_it_changes(name: str, text: str, good: bool) -> None:
    schema = json.loads(export.schema_text(name))
    data = read_yaml(f"nano_flow: 1\n{text}\n".encode(), name).data
    assert (list(Draft202012Validator(schema).iter_errors(data)) == []) == good
