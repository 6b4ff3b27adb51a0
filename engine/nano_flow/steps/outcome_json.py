"""Outcomes as plain data and back, for whoever executes a step in another process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast, get_args

from nano_flow.core.messages import Json
from nano_flow.core.outcomes import (
    Ended,
    Failed,
    Failure,
    ItemFailure,
    Skipped,
    SkipReason,
    StepOutcome,
    StopReason,
    Succeeded,
    Waiting,
)


def outcome_json(outcome: StepOutcome) -> dict[str, Json]:
    """``outcome`` as JSON; ``is`` names its kind."""
    match outcome:
        case Succeeded():
            data: dict[str, Json] = {"is": "succeeded", "output": outcome.output, "case": outcome.case}
            if outcome.recovered is not None:
                data["recovered"] = _failure_json(outcome.recovered)
            return data | _errors_json(outcome.errors)
        case Failed():
            failed: dict[str, Json] = {"is": "failed", "failure": _failure_json(outcome.failure), "case": outcome.case}
            return failed | {"tolerated": outcome.tolerated} | _errors_json(outcome.errors)
        case Skipped():
            return {"is": "skipped", "reason": outcome.reason, "detail": outcome.detail}
        case Waiting():
            return {"is": "waiting", "reason": outcome.reason, "address": outcome.address, "detail": outcome.detail}
        case Ended():
            ended: dict[str, Json] = {"is": "ended", "failed": outcome.failed, "message": outcome.message}
            return ended | {"address": outcome.address, "output": outcome.output, "case": outcome.case}


def read_outcome(data: Mapping[str, Json]) -> StepOutcome:
    """What ``outcome_json`` wrote. ValueError for anything else."""
    kind, case = data.get("is"), data.get("case")
    case = case if isinstance(case, str) else None
    if kind == "succeeded":
        recovered = data.get("recovered")
        return Succeeded(
            data.get("output"), case, _read_errors(data), None if recovered is None else _read_failure(recovered)
        )
    if kind == "failed":
        return Failed(_read_failure(data.get("failure")), data.get("tolerated") is True, _read_errors(data), case)
    if kind == "skipped":
        return Skipped(cast(SkipReason, _one_of(data, get_args(SkipReason))), str(data.get("detail", "")))
    if kind == "waiting":
        reason = cast(StopReason, _one_of(data, get_args(StopReason)))
        return Waiting(reason, str(data.get("address", "")), str(data.get("detail", "")))
    if kind == "ended":
        message, address = str(data.get("message", "")), str(data.get("address", ""))
        return Ended(data.get("failed") is True, message, address, data.get("output"), case)
    raise ValueError(f"{kind!r} is no outcome of a step")


def _one_of(data: Mapping[str, Json], known: tuple[str, ...]) -> str:
    reason = data.get("reason")
    if reason not in known:
        raise ValueError(f"{reason!r} is no reason")
    return str(reason)


def _failure_json(failure: Failure) -> Json:
    data: dict[str, Json] = {"kind": failure.kind, "message": failure.message}
    if failure.provider:
        data["provider"] = True
    if failure.address:
        data["address"] = failure.address
    if failure.detail is not None:
        data["detail"] = dict(failure.detail)
    return data


def _read_failure(data: Json) -> Failure:
    if not isinstance(data, dict):
        raise ValueError("a failure is a mapping")
    detail = data.get("detail")
    return Failure(
        str(data.get("kind", "error")),
        str(data.get("message", "")),
        data.get("provider") is True,
        str(data.get("address", "")),
        detail if isinstance(detail, dict) else None,
    )


def _errors_json(errors: tuple[ItemFailure, ...]) -> dict[str, Json]:
    if not errors:
        return {}
    return {"errors": [{"index": e.index, "item": e.item, "failure": _failure_json(e.failure)} for e in errors]}


def _read_errors(data: Mapping[str, Json]) -> tuple[ItemFailure, ...]:
    errors = data.get("errors")
    found = []
    for error in errors if isinstance(errors, list) else ():
        if not isinstance(error, dict) or not isinstance(index := error.get("index"), int):
            raise ValueError("an error of an item has its index")
        found.append(ItemFailure(index, error.get("item"), _read_failure(error.get("failure"))))
    return tuple(found)
