"""OpenQuestions to people, and their answers, where several processes can see them."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from dataclasses import replace

from nano_flow.core.errors import UsageError
from nano_flow.core.events import ApprovalAnswered
from nano_flow.core.redact import Redactor
from nano_flow.core.secrets.masks import Lookup, Masks, restored
from nano_flow.core.secrets.naming import environment_secrets
from nano_flow.ports.store import Answer, OpenQuestion
from nano_flow.stores.codec import decode_input, decode_json, encode_input
from nano_flow.stores.sql.database import Database, Row
from nano_flow.stores.sql.rows import column


def pending(database: Database, run_id: str | None = None) -> list[OpenQuestion]:
    """Open questions, oldest first, of all runs or of one; runs that are over ask nothing any more."""
    rows = database.execute(
        "SELECT approvals.*, runs.workflow FROM approvals JOIN runs USING (run_id) WHERE decision IS NULL"
        f" AND runs.status IN ('running', 'paused'){'' if run_id is None else ' AND run_id = ?'}"
        " ORDER BY asked_at, run_id, address",
        () if run_id is None else (run_id,),
    )
    return [_question(row) for row in rows]


def answers(database: Database, run_id: str, lookup: Lookup | None = None) -> dict[str, ApprovalAnswered]:
    """What was decided so far in ``run_id``, by address; with a ``lookup`` secrets are put back."""
    return {event.address: with_secrets(event, masks, lookup) for event, masks in kept_answers(database, run_id)}


def kept_answers(database: Database, run_id: str) -> Iterator[tuple[ApprovalAnswered, Masks]]:
    """The same as they are kept, with what was taken out of them."""
    rows = database.execute("SELECT * FROM approvals WHERE run_id = ? AND decision IS NOT NULL", (run_id,))
    for row in rows:
        given, masks = (None, ()) if row["input"] is None else decode_input(row["input"])
        answered = ApprovalAnswered(
            at=row["answered_at"],
            address=row["address"],
            decision=row["decision"],
            input=given,
            comment=row["comment"] or "",
            by=row["answered_by"] or "",
        )
        yield answered, masks


def with_secrets(event: ApprovalAnswered, masks: Masks, lookup: Lookup | None) -> ApprovalAnswered:
    """``event`` with what the masks stand for, where there is a ``lookup``. Raises UsageError, ValueError."""
    if lookup is None or not masks:
        return event
    whole = restored({"input": event.input, "comment": event.comment}, masks, lookup)
    assert isinstance(whole, dict)
    return replace(event, input=whole["input"], comment=str(whole["comment"]))


def give(database: Database, run_id: str, answer: Answer, now: float) -> None:
    """Write ``answer`` down, without secrets, inside a transaction. UsageError where it answers no open question."""
    questions = {question.address: question for question in pending(database, run_id)}
    question = questions.get(answer.address)
    if question is None:
        raise UsageError(_no_question(run_id, answer.address, list(questions), answers(database, run_id)))
    if question.expires_at is not None and question.expires_at <= now:
        raise UsageError(f'the question at "{answer.address}" has expired; "nano-flow resume {run_id}" goes on')
    if answer.decision not in question.options:
        near = difflib.get_close_matches(answer.decision, question.options, n=1)
        hint = f', did you mean "{near[0]}"?' if near else ""
        choices = ", ".join(f'"{option}"' for option in question.options)
        raise UsageError(f'"{answer.decision}" is no option at "{answer.address}"{hint}: expected {choices}')
    # Every face answers here, and none of them knows the run: what counts as secret is what sounds so around us.
    said, masks = Redactor(environment_secrets({**answer.around, **os.environ})).sealed(
        {"input": answer.input, "comment": answer.comment}
    )
    database.execute(
        "UPDATE approvals SET decision = ?, input = ?, comment = ?, answered_by = ?, answered_at = ?"
        " WHERE run_id = ? AND address = ?",
        (
            *(answer.decision, encode_input(said["input"], masks, answer.address)),
            *(column(str(said["comment"])), column(answer.by), now),
            *(run_id, answer.address),
        ),
    )


def _question(row: Row) -> OpenQuestion:
    options = decode_json(row["options"])
    return OpenQuestion(
        run_id=row["run_id"],
        workflow=row["workflow"],
        address=row["address"],
        message=row["message"],
        options=tuple(str(option) for option in options) if isinstance(options, list) else (),
        input_schema=None if row["input_schema"] is None else decode_json(row["input_schema"]),
        asked_at=row["asked_at"],
        expires_at=row["expires_at"],
    )


def _no_question(run_id: str, address: str, open_at: list[str], decided: dict[str, ApprovalAnswered]) -> str:
    if address in decided:
        answer = decided[address]
        return f'the question at "{address}" was answered already: "{answer.decision}" by {answer.by}'
    near = difflib.get_close_matches(address, open_at, n=1)
    hint = f', did you mean "{near[0]}"?' if near else ""
    asked = ", ".join(f'"{one}"' for one in open_at) or "nothing"
    return f'run "{run_id}" asks nothing at "{address}"{hint}; open questions: {asked}'
