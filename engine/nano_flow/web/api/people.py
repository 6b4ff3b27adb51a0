"""Questions to people, and their answers."""

from __future__ import annotations

from fastapi import APIRouter

from nano_flow.operations.runs.asking import Answer, answer_question, approvals_document, open_questions
from nano_flow.web.api.access import Answerer, Reader, TheSite
from nano_flow.web.api.models import Acknowledged, AnswerBody, ApprovalList

router = APIRouter(prefix="/v1", tags=["approvals"])


@router.get("/approvals")
def list_approvals(site: TheSite, _: Reader) -> ApprovalList:
    """Open questions, oldest first: ``nano-flow/approvals@1``."""
    return ApprovalList.model_validate(approvals_document(open_questions(site.place)))


@router.post("/runs/{run}/answers/{address:path}")
def answer(site: TheSite, holder: Answerer, run: str, address: str, body: AnswerBody) -> Acknowledged:
    """Answer what a run asks."""
    decided = Answer(address, body.option, f"api:{holder.name}", body.input, body.comment)
    done = answer_question(site.place, run, decided)
    site.follower.tell_soon()
    return Acknowledged(run_id=done.run_id)
