"""``/workflows``: what this project can run, what that would cost, and forms that start it."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from nano_flow.core.errors import NanoFlowError, UsageError
from nano_flow.core.messages import Json
from nano_flow.core.money import Money, money
from nano_flow.operations.money.plan_document import plan_document
from nano_flow.operations.project.workflows import WorkflowCard, card_of, find_workflow, given_by_service, workflows_of
from nano_flow.operations.runs.starting import GivenInputs, RunOptions, StartOrder
from nano_flow.operations.service.inforce import next_times
from nano_flow.operations.service.queueing import QueueOrder, queue_run
from nano_flow.ports.store import RunFilter
from nano_flow.web.pages.frame import form, gone_to, page, site_of
from nano_flow.web.rendering.schema_form import fields_of, value_of
from nano_flow.web.security.tokens import Role

_RUNS = 12


def show(request: Request) -> Response:
    """All of them."""
    site = site_of(request)
    service = site.service()
    due = {one.name: one for one in next_times(service, site.now())}
    cards = [card_of(site.place, entry) for entry in workflows_of(site.place)]
    return page(request, "workflows.html", cards=cards, due=due)


def show_one(request: Request) -> Response:
    """One of them, with a form for its inputs."""
    return _one(request, {}, "")


async def start(request: Request) -> Response:
    """Queue a run of it."""
    given = await form(request, Role.run)
    return await run_in_threadpool(_start, request, given)


def _start(request: Request, given: Mapping[str, str]) -> Response:
    site = site_of(request)
    entry = find_workflow(site.place, request.path_params["key"])
    card = card_of(site.place, entry)
    known = given_by_service(site.service(), entry)
    try:
        typed = value_of(card.schema(known), given)
        values: dict[str, Json] = {**known, **(typed if isinstance(typed, dict) else {})}
        options = RunOptions(offline=given.get("offline") == "true", budget=_budget(given.get("budget", "")))
        by = f"service:{entry.served}" if entry.served else f"web:{request.scope['state']['token'].name}"
        queued = queue_run(site.place, QueueOrder(StartOrder(str(entry.path), GivenInputs(data=values), options), by))
    except NanoFlowError as error:
        response = _one(request, given, str(error))
        response.status_code = 422
        return response
    site.follower.tell_soon()
    return gone_to(f"/runs/{queued.run_id}")


def _one(request: Request, given: Mapping[str, str], fault: str) -> Response:
    site = site_of(request)
    entry = find_workflow(site.place, request.path_params["key"])
    card, service = card_of(site.place, entry), site.service()
    with site.book.reader() as reader:
        runs = reader.list_runs(RunFilter(workflow=card.name, limit=_RUNS)) if reader is not None else []
    return page(
        request,
        "workflow.html",
        card=card,
        served=service.workflows.get(entry.served),
        due=next((one for one in next_times(service, site.now()) if one.name == entry.served), None),
        fields=fields_of(card.schema(given_by_service(service, entry)), given) if card.inputs else [],
        given=given,
        fault=fault,
        plan=_plan(request, card),
        runs=runs,
    )


def _plan(request: Request, card: WorkflowCard) -> Mapping[str, Json] | None:
    """What it would run and cost, inputs unknown; None where it cannot be planned."""
    if not card.runs:
        return None
    try:
        return plan_document(site_of(request).place, str(card.entry.path), GivenInputs(), RunOptions())
    except NanoFlowError:
        return None


def _budget(text: str) -> Money | None:
    if not text.strip():
        return None
    try:
        return money(text.strip().removeprefix("$"))
    except (ValueError, ArithmeticError):
        raise UsageError(f'"{text}" is no amount of US dollars such as 0.50') from None
