"""What is said of a service.yaml: where it stands, what is wrong with the names in it, and what it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from nano_flow.core.errors import DocumentError, UsageError
from nano_flow.project.checking import check_file
from nano_flow.project.service.reading import expanded, service_in_force

AUDIT = """nano_flow: 1
name: audit
inputs: {depth: {type: integer}}
steps:
  look:
    prompt: "Look {{ inputs.depth }} deep."
    tags: [pii]
"""
GOOD = """nano_flow: 1
store: ${WHERE:-}
budgets:
  - {usd: 20, per: day, timezone: Europe/Berlin, warn_at: 0.8}
  - {usd: 5, per: week, workflow: audit, tags: [PII], provider: sim, on_exceed: pause}
workflows:
  nightly:
    file: flows/audit.yaml
    schedule: {cron: "0 3 * * *", timezone: Europe/Berlin}
    inputs: {depth: 2}
    concurrency: {group: audit, at_most: 1, otherwise: skip}
  on_ticket:
    file: flows/audit.yaml
    webhook: {path: tickets, secret: TICKET_SECRET, inputs: {depth: "{{ body.depth }}"}}
    mcp: true
notify:
  - {on: [failed, asks], webhook: "${HOOK:-}", format: slack}
  - {on: [budget], command: [./page.sh]}
retention: {runs: 90d, texts: 30d}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "audit.yaml").write_text(AUDIT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(project: Path, text: str) -> list[str]:
    (project / "service.yaml").write_text(text)
    return [f"{d.where.line}:{d.where.column} {d.code} {d.message}" for d in check_file(project / "service.yaml")]


def test_a_good_one_is_in_force_for_what_lies_below(project: Path) -> None:
    assert said(project, GOOD) == []
    service = service_in_force(project / "flows", environ={"WHERE": "postgresql://db/x"})
    assert service.path == project / "service.yaml"
    assert service.store == "postgresql://db/x"
    assert service.file_of("nightly") == project / "flows" / "audit.yaml"
    assert [budget.per for budget in service.budgets] == ["day", "week"]
    assert service.retention.runs == 90 * 86_400
    assert str(service.record()["digest"]).startswith("sha256:")


def test_without_a_file_the_environment_names_the_store(project: Path) -> None:
    service = service_in_force(project, environ={"NANO_FLOW_STORE": "postgresql://db/y"})
    assert (service.path, service.store, service.cache) == (None, "postgresql://db/y", "")
    assert service.budgets == () and service.workflows == {} and service.notifications == ()
    with pytest.raises(UsageError, match='no workflow "nightly"'):
        service.offered("nightly")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("workflow: audit", "workflow: audti", '5:35 NF701 no workflow here has "name: audti"'),
        ("provider: sim", "provider: opnai", 'NF701 providers.yaml declares no provider "opnai"'),
        ("tags: [PII]", "tags: [gold]", 'NF701 no step carries the tag "gold"'),
        ("timezone: Europe/Berlin, warn_at", "timezone: Europe/Berln, warn_at", 'NF702 there is no time zone "Europe/'),
        ("0 3 * * *", "0 3 * *", '9:22 NF703 "0 3 * *" is no schedule: expected five fields'),
        ("flows/audit.yaml\n    sched", "flows/gone.yaml\n    sched", '8:11 NF704 "flows/gone.yaml" does not exist'),
        ("{depth: 2}", "{dept: 2}", 'NF705 the workflow "audit" has no input "dept"'),
        ("{depth: 2}", "{depth: two}", 'NF705 input "depth"'),
        ("    inputs: {depth: 2}\n", "", 'NF705 on schedule nobody gives the input "depth"'),
        ("body.depth", "boddy.depth", 'NF707 a webhook knows no "boddy"'),
        ("provider: sim", "provider: sim, per_week: 2", 'NF203 unknown key "per_week"'),
        ("per: day", "per: year", "NF20"),
        ("nano_flow: 1", "nano_flow: 2", "NF201"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(project: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    found = said(project, GOOD.replace(old, new, 1))
    assert any(expected in line for line in found), found
    if "NF705" not in expected and "NF704" not in expected:
        with pytest.raises(DocumentError):
            service_in_force(project)


def test_two_doors_and_two_bounds_are_refused(project: Path) -> None:
    more = GOOD.replace(
        "    mcp: true\n",
        "    concurrency: {group: audit, at_most: 2}\n"
        "  again: {file: flows/audit.yaml, webhook: {path: tickets, secret: T}}\n",
    )
    found = said(project, more)
    assert any('NF706 the address "/hooks/tickets" starts "on_ticket" already' in line for line in found)
    assert any('NF708 "nightly" says at_most: 1 for the group "audit"' in line for line in found)


def test_a_workflow_that_cannot_run_is_named(project: Path) -> None:
    (project / "flows" / "audit.yaml").write_text(AUDIT.replace("prompt:", "prompts:"))
    assert any("cannot run" in line for line in said(project, GOOD))


def test_notifications_want_exactly_one_way(project: Path) -> None:
    assert any("NF" in line for line in said(project, "nano_flow: 1\nnotify: [{on: [failed]}]\n"))


@pytest.mark.parametrize(
    ("text", "environ", "expected"),
    [("${A}/x", {"A": "1"}, "1/x"), ("${A:-d}", {}, "d"), ("${A:-d}", {"A": ""}, "d"), ("plain", {}, "plain")],
)
def test_variables_are_expanded(text: str, environ: dict[str, str], expected: str) -> None:
    assert expanded(text, environ) == expected
