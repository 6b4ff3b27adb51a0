"""OpenQuestions to people, and their answers, where several processes can see them."""

from __future__ import annotations

import difflib

from nano_flow.core.errors import UsageError
from nano_flow.core.events import ApprovalAnswered
from nano_flow.ports.store import Answer, OpenQuestion
from nano_flow.stores.codec import decode_json, encode_json
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


def answers(database: Database, run_id: str) -> dict[str, ApprovalAnswered]:
    """What was decided so far in ``run_id``, by address."""
    rows = database.execute("SELECT * FROM approvals WHERE run_id = ? AND decision IS NOT NULL", (run_id,))
    return {
        row["address"]: ApprovalAnswered(
            at=row["answered_at"],
            address=row["address"],
            decision=row["decision"],
            input=None if row["input"] is None else decode_json(row["input"]),
            comment=row["comment"] or "",
            by=row["answered_by"] or "",
        )
        for row in rows
    }


def give(database: Database, run_id: str, answer: Answer, now: float) -> None:
    """Write ``answer`` down, inside a transaction. Raises UsageError where it answers no open question."""
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
    database.execute(
        "UPDATE approvals SET decision = ?, input = ?, comment = ?, answered_by = ?, answered_at = ?"
        " WHERE run_id = ? AND address = ?",
        (
            *(answer.decision, encode_json(answer.input, "answer", answer.address)),
            *(column(answer.comment), column(answer.by), now),
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
