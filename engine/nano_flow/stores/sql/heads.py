"""The head of a run, as the store keeps it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from nano_flow.core.messages import Json
from nano_flow.core.secrets.masks import Lookup
from nano_flow.ports import RunRecord
from nano_flow.ports.journal import HEAD_FIELDS
from nano_flow.stores.codec import decode_json, encode_json, sealed, unsealed
from nano_flow.stores.sql.database import Database


def insert_head(database: Database, record: RunRecord) -> None:
    """Write the row of a new run, inside a transaction of the caller's. Raises ValueError where it is no JSON."""
    head = _encoded(record)
    database.execute(
        "INSERT INTO runs (run_id, workflow, file, created_at, plan_digest, status, simulated, head)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(
                record.run_id,
                record.workflow,
                _as_utf8(record.file),
                record.created_at,
                record.plan_digest,
                record.status,
            ),
            *(record.simulated, head),
        ),
    )


def update_head(database: Database, record: RunRecord) -> None:
    """Replace the head of a run that goes on with changed documents, options or policy."""
    head = _encoded(record)
    database.execute(
        "UPDATE runs SET file = ?, plan_digest = ?, head = ? WHERE run_id = ?",
        (_as_utf8(record.file), record.plan_digest, head, record.run_id),
    )


def _encoded(record: RunRecord) -> str:
    head: dict[str, object] = {name: getattr(record, name) for name in HEAD_FIELDS}
    return encode_json(sealed(head, record.masks), "the head of the run", "")


def read_head(database: Database, run_id: str, lookup: Lookup | None = None) -> RunRecord | None:
    """The head of ``run_id``; None where there is no such run. Raises ValueError for damaged data.

    With a ``lookup`` secrets are put back; it raises UsageError where one is gone.
    """
    row = database.execute("SELECT * FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    if row is None:
        return None
    head = decode_json(row["head"])
    if not isinstance(head, dict):
        raise ValueError("the head of the run is damaged")
    head = unsealed(head, lookup)
    return RunRecord(
        run_id=row["run_id"],
        workflow=row["workflow"],
        file=os.fsdecode(row["file"].encode("utf-8", "surrogateescape")),
        created_at=row["created_at"],
        plan_digest=row["plan_digest"],
        status=row["status"],
        simulated=bool(row["simulated"]),
        inputs=_mapping(head, "inputs"),
        options=_mapping(head, "options"),
        documents=_texts(head, "documents"),
        policy=_mapping(head, "policy"),
        steps=_texts(head, "steps"),
        kinds=_texts(head, "kinds"),
        context=_texts(head, "context"),
        place=str(head.get("place") or ""),
    )


def _as_utf8(path: str) -> str:
    """A path as its bytes read in UTF-8: under another encoding of file names Python holds what SQLite cannot store."""
    return os.fsencode(path).decode("utf-8", "surrogateescape")


def _mapping(head: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    value = head.get(name, {})
    if not isinstance(value, dict):
        raise ValueError(f'"{name}" in the head of the run is damaged')
    return value


def _texts(head: Mapping[str, Json], name: str) -> Mapping[str, str]:
    value = _mapping(head, name)
    texts = {key: text for key, text in value.items() if isinstance(text, str)}
    if len(texts) != len(value):
        raise ValueError(f'"{name}" in the head of the run is damaged')
    return texts
