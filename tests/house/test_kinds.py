"""A kind of step is one place: each thing that a new kind still lacks is named."""

from __future__ import annotations

import json
import re
from typing import get_args

import pytest

from nano_flow.documents.steps import STEP_KINDS, Step
from nano_flow.plan.kinds.table import KINDS, Spec
from nano_flow.plan.walk import every_step
from nano_flow.project.opening import open_workflow
from nano_flow.steps import table
from nano_flow.steps.kind import Kind
from tests.house.tree import ENGINE, ROOT


def test_the_union_of_documents_holds_the_kinds_in_their_order() -> None:
    assert tuple(document.kind for document in get_args(Step)) == STEP_KINDS


def test_the_plan_knows_every_kind() -> None:
    assert tuple(KINDS) == STEP_KINDS
    assert [kind.document for kind in KINDS.values()] == list(get_args(Step))
    assert {kind.spec for kind in KINDS.values()} == set(get_args(Spec))


@pytest.mark.parametrize("name", STEP_KINDS)
def test_every_kind_is_executed_by_the_module_of_its_name(name: str) -> None:
    assert (ENGINE / "steps" / "kinds" / f"{name}.py").is_file()
    assert isinstance(table.KINDS[name], Kind)


def test_no_module_executes_what_is_no_kind() -> None:
    assert {path.stem for path in (ENGINE / "steps" / "kinds").glob("*.py")} == {*STEP_KINDS, "__init__"}


def test_the_schema_offers_every_kind() -> None:
    schema = json.loads((ROOT / "schemas" / "workflow.schema.json").read_text(encoding="utf-8"))
    documents = {kind.document.__name__ for kind in KINDS.values()}
    assert documents <= set(re.findall(r"#/\$defs/(\w+)", json.dumps(schema["$defs"]["Step"])))


def test_every_kind_has_an_example_and_a_line_in_the_docs() -> None:
    opened = (open_workflow(str(path)) for path in (ROOT / "workflows").glob("*.yaml"))
    assert {step.kind for one in opened for _, step in every_step(one.plan.graph)} == set(KINDS)
    described = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if not re.search(rf"^\|[^|]*`{kind}`", described, re.MULTILINE)] == []
