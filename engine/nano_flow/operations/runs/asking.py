"""Questions that runs ask people, and their answers."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json
from nano_flow.core.shown.event_json import json_text
from nano_flow.core.text import rfc3339
from nano_flow.operations.place import Place
from nano_flow.ports.store import Answer, OpenQuestion
from nano_flow.source.json_schema import complaints
from nano_flow.steps.output import OutputBroken, check_schema, parse_json

__all__ = [
    "Answer",
    "Answered",
    "OpenQuestion",
    "OutputBroken",
    "answer_question",
    "approvals_document",
    "check_schema",
    "complaints",
    "open_questions",
    "parse_json",
]


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that is written down. ``owner`` works on the run now; None where it waits to be resumed."""

    run_id: str
    owner: str | None


def open_questions(place: Place) -> list[OpenQuestion]:
    """What is asked in all runs, oldest first; nothing where there is no store yet."""
    store = place.store
    if not store.exists():
        return []
    with store.reader() as reader:
        return reader.pending_approvals()


def approvals_document(questions: Iterable[OpenQuestion]) -> dict[str, Json]:
    """``nano-flow/approvals@1``."""
    fields: list[Json] = [
        {
            "run_id": question.run_id,
            "workflow": question.workflow,
            "address": question.address,
            "message": question.message,
            "options": list(question.options),
            "input_schema": question.input_schema,
            "asked_at": rfc3339(question.asked_at),
            "expires_at": None if question.expires_at is None else rfc3339(question.expires_at),
            "expired": question.expires_at is not None and question.expires_at <= time.time(),
        }
        for question in questions
    ]
    return {"schema": "nano-flow/approvals@1", "approvals": fields}


def answer_question(place: Place, run: str, answer: Answer) -> Answered:
    """Answer what ``run`` asks. Raises UsageError where it asks nothing there, or wants another option or input."""
    store = place.store
    with store.reader() as reader:
        found = reader.find_run(run)
        questions = {question.address: question for question in reader.pending_approvals(found.run_id)}
    question = questions.get(answer.address)
    # The store refuses an option that is not offered; what it wants beside the option is judged for those that are.
    if question is not None and question.input_schema is not None and answer.decision in question.options:
        _check(answer.input, question.input_schema)
    store.answer_approval(found.run_id, replace(answer, around=place.environ))
    return Answered(found.run_id, found.owner)


def _check(value: Json, schema: Json) -> None:
    if isinstance(schema, dict) and (found := complaints(value, schema, 1)):
        if value is None:
            raise UsageError(
                f"the question wants an input of the form {json_text(schema)}; in a terminal: --input JSON"
            )
        raise UsageError(f"the question wants another input: {found[0].removeprefix('the value: ')}")
