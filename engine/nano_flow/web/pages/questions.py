"""``/questions``: what runs ask people, and the forms that answer it."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from nano_flow.core.errors import UsageError
from nano_flow.ports.store import Answer, OpenQuestion
from nano_flow.web.pages.frame import form, gone_to, page, site_of
from nano_flow.web.rendering.schema_form import fields_of, value_of
from nano_flow.web.security.tokens import Role


def show(request: Request) -> Response:
    """The page."""
    return _page(request, {}, "", "")


async def answer(request: Request) -> Response:
    """Write down what was decided; the run goes on by itself, or with whoever takes it up."""
    given = await form(request, Role.answer)
    return await run_in_threadpool(_answer, request, given)


def _answer(request: Request, given: Mapping[str, str]) -> Response:
    site = site_of(request)
    run, address = site.book.run(request.path_params["run"]), request.path_params["address"]
    with site.book.reader() as reader:
        asked = {one.address: one for one in reader.pending_approvals(run.run_id)} if reader is not None else {}
    question = asked.get(address)
    by = f"web:{request.scope['state']['token'].name}"
    try:
        value = value_of(question.input_schema, given) if question is not None else None
        decided = Answer(address, given.get("option", ""), by, value, given.get("comment", ""))
        site.store.answer_approval(run.run_id, decided)
    except UsageError as error:
        response = _page(request, given, f"{run.run_id}-{address}", str(error))
        response.status_code = 422
        return response
    site.follower.tell_soon()
    return gone_to(f"/runs/{run.run_id}")


def _page(request: Request, given: Mapping[str, str], wrong_at: str, fault: str) -> Response:
    with site_of(request).book.reader() as reader:
        questions = reader.pending_approvals() if reader is not None else []

    def fields(question: OpenQuestion) -> object:
        here = f"{question.run_id}-{question.address}" == wrong_at
        return fields_of(question.input_schema, given if here else None)

    return page(
        request, "questions.html", questions=questions, fields=fields, wrong_at=wrong_at, fault=fault, given=given
    )
