"""The project: its workflows, its policy, its costs, its providers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import JsonValue

from nano_flow.core.text import rfc3339
from nano_flow.operations.models.health import provider_health
from nano_flow.operations.moments import moment
from nano_flow.operations.money.outlook import outlooks
from nano_flow.operations.money.plan_document import plan_document
from nano_flow.operations.money.spending import spending
from nano_flow.operations.policy.trying import PromptOptions, decision_under, replay_under
from nano_flow.operations.project.checking import diagnostics_json
from nano_flow.operations.project.providers import ask_providers, providers_of
from nano_flow.operations.project.workflows import card_of, find_workflow, given_by_service, workflows_of
from nano_flow.operations.runs.starting import GivenInputs
from nano_flow.operations.service.inforce import next_times
from nano_flow.views.cost import cost_document
from nano_flow.web.api.access import Reader, Runner, TheSite
from nano_flow.web.api.models import (
    Diagnostics,
    Document,
    ExplainBody,
    Grouping,
    PlanBody,
    ReplayBody,
    Since,
    WorkflowItem,
    WorkflowList,
)
from nano_flow.web.api.runs import options_of

router = APIRouter(prefix="/v1")
Which = Annotated[str, Query(min_length=1, max_length=300, description="a name of service.yaml, or a path")]


@router.get("/workflows", tags=["workflows"])
def list_workflows(site: TheSite, _: Reader) -> WorkflowList:
    """What this project can run."""
    due = {one.name: one.at for one in next_times(site.service(), site.now())}
    items = []
    for entry in workflows_of(site.place):
        card, at = card_of(site.place, entry), due.get(entry.served)
        items.append(
            WorkflowItem(
                key=entry.key,
                name=card.name,
                description=card.description,
                file=str(entry.path.relative_to(site.root))
                if entry.path.is_relative_to(site.root)
                else entry.path.name,
                valid=card.runs,
                next_due=None if at is None else rfc3339(at),
            )
        )
    return WorkflowList(workflows=items)


@router.get("/workflows/inputs", tags=["workflows"])
def inputs_of(site: TheSite, _: Reader, workflow: Which) -> dict[str, JsonValue]:
    """The inputs of a workflow as one JSON Schema."""
    entry = find_workflow(site.place, workflow)
    return card_of(site.place, entry).schema(given_by_service(site.service(), entry))


@router.post("/workflows/plan", tags=["workflows"])
def plan(site: TheSite, _: Reader, workflow: Which, body: PlanBody) -> Document:
    """``nano-flow/plan@1``: what would run, on which model, why, and for how much. Sends nothing."""
    entry = find_workflow(site.place, workflow)
    given = GivenInputs(data=dict(body.inputs))
    return Document.model_validate(plan_document(site.place, str(entry.path), given, options_of(body.options)))


@router.post("/workflows/validate", tags=["workflows"])
def validate(site: TheSite, _: Reader, workflow: Which) -> Diagnostics:
    """``nano-flow/diagnostics@1`` of one workflow."""
    card = card_of(site.place, find_workflow(site.place, workflow))
    return Diagnostics.model_validate(diagnostics_json(list(card.findings), 1))


@router.post("/policy/explain", tags=["policy"])
def explain(site: TheSite, _: Reader, body: ExplainBody) -> Document:
    """``nano-flow/decision@1``: who would answer a prompt, and why."""
    options = PromptOptions(tuple(body.tags), body.tools, body.policy, body.model)
    found = decision_under(site.place, body.prompt, body.routing, options)
    return Document.model_validate({"schema": "nano-flow/decision@1", **found})


@router.post("/policy/diff", tags=["policy"])
def diff(site: TheSite, _: Reader, body: ExplainBody) -> Document:
    """The decision in force and the one under ``routing``, side by side."""
    options = PromptOptions(tuple(body.tags), body.tools, body.policy, body.model)
    sides = {
        name: dict(decision_under(site.place, body.prompt, text, options))
        for name, text in (("base", None), ("head", body.routing))
    }
    changed = sides["base"].get("model") != sides["head"].get("model")
    return Document.model_validate({"schema": "nano-flow/decision-diff@1", "changed": changed, **sides})


@router.post("/policy/replay", tags=["policy"])
def replay(site: TheSite, _: Reader, body: ReplayBody) -> Document:
    """``nano-flow/policy-replay@1``: recorded calls decided again."""
    found = replay_under(site.place, body.routing, moment(body.since, site.now()), body.runs)
    fields: dict[str, JsonValue] = {"calls": 0} if found is None else found.as_json()
    return Document.model_validate({"schema": "nano-flow/policy-replay@1", **fields})


@router.get("/costs", tags=["costs"])
def costs(
    site: TheSite, _: Reader, by: Grouping = "workflow", since: Annotated[Since | None, Query()] = None
) -> Document:
    """``nano-flow/cost@1``: what was spent."""
    at = moment(since, site.now()) if since else None
    found = spending(site.place, by, at)
    return Document.model_validate(cost_document(by, found.rows, found.unpriced, None if at is None else rfc3339(at)))


@router.get("/budgets", tags=["costs"])
def budgets(site: TheSite, _: Reader) -> Document:
    """``nano-flow/budgets@1``: how far the budgets of service.yaml are used, and where they end at this pace."""
    with site.book.reader() as reader:
        found = [] if reader is None else outlooks(reader, site.service(), site.now())
    return Document.model_validate({"schema": "nano-flow/budgets@1", "budgets": [one.as_json() for one in found]})


@router.get("/providers/health", tags=["providers"])
def health(
    site: TheSite, _: Reader, since: Annotated[Since, Query()] = "1d", models: Annotated[bool, Query()] = False
) -> Document:
    """``nano-flow/health@1``: how providers, or models, have answered since then, by what runs saw. Nobody is asked."""
    rows = provider_health(site.place, moment(since, site.now()), by_model=models)
    told = [row.as_json() for row in rows]
    return Document.model_validate({"schema": "nano-flow/health@1", "since": since, "rows": told})


@router.get("/providers", tags=["providers"])
def providers(site: TheSite, _: Reader) -> Document:
    """``nano-flow/providers@1``: which keys are found. Nobody is asked."""
    found = [state.as_json() for state in providers_of(site.place)]
    return Document.model_validate({"schema": "nano-flow/providers@1", "providers": found})


@router.post("/providers/check", tags=["providers"])
def check(site: TheSite, _: Runner) -> Document:
    """The same, and each provider whose key is found is asked one cheap question."""
    found = [state.as_json() for state in ask_providers(site.place)]
    return Document.model_validate({"schema": "nano-flow/providers@1", "providers": found})
