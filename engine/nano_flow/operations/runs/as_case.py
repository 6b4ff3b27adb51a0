"""A recorded run as a case of ``nano-flow test``: its inputs, what was answered in it, and the outputs it had."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import yaml

from nano_flow.core.calls import turn_and_sample
from nano_flow.core.errors import UsageError
from nano_flow.core.events import ApprovalAnswered, CacheHit, CallFinished, Event, ToolCalled, ToolIntended
from nano_flow.core.messages import Json
from nano_flow.operations.place import Place

_KINDS = (CallFinished, CacheHit, ToolCalled, ToolIntended, ApprovalAnswered)
_LIFE = 1000
"""Turns of one generation of a conversation; a retried one begins at the next thousand."""
_LONGEST = 400_000


def case_of(place: Place, name: str) -> str:
    """The document ``*.test.yaml`` with one case. Raises UsageError where the run did not succeed, or is too long."""
    with place.store.reader() as reader:
        run = reader.find_run(name)
        record = reader.run_record(run.run_id)
        events = [event for _, event in reader.events_of(run.run_id, kinds=_KINDS)]
    if record is None or run.status != "succeeded":
        raise UsageError(f'run "{run.run_id}" is {run.status}: a case is made of a run that succeeded')
    from nano_flow.operations.runs.reading import show_run

    document = show_run(place, run.run_id).document
    inputs = {key: value for key, value in record.inputs.items() if value is not None}
    case = {
        **({"inputs": inputs} if inputs else {}),
        "replies": dict(_replies(events, record.kinds)),
        "expect": {"status": "succeeded", **({"outputs": document["outputs"]} if document.get("outputs") else {})},
    }
    whole = {"nano_flow": 1, "workflow": _beside(record.file), "cases": {f"as in run {run.run_id}": case}}
    text = yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=110)
    if len(text) > _LONGEST:
        raise UsageError(f'run "{run.run_id}" is too long for a case that somebody reads')
    return text


def _beside(file: str) -> str:
    return os.path.basename(file) or str(Path(file))


def _replies(events: Sequence[Event], kinds: Mapping[str, str]) -> Iterable[tuple[str, Json]]:
    by_address: dict[str, list[Event]] = {}
    for event in events:
        by_address.setdefault(str(getattr(event, "address", "")), []).append(event)
    for address, told in by_address.items():
        reply = _reply(told)
        if reply is not None:
            yield address, reply


def _reply(told: Sequence[Event]) -> Json:
    answers = [event for event in told if isinstance(event, ApprovalAnswered)]
    if answers:
        last = answers[-1]
        return {"decision": last.decision, **({} if last.input is None else {"input": last.input})}
    replies = {event.turn: event for event in told if isinstance(event, CallFinished | CacheHit)}
    if replies:
        return _conversation(replies, told)
    called = [event for event in told if isinstance(event, ToolCalled) and not event.error]
    return _result(called[-1].result) if called else None


def _conversation(replies: Mapping[int, CallFinished | CacheHit], told: Sequence[Event]) -> Json:
    life = max(turn_and_sample(turn)[0] // _LIFE for turn in replies)
    results = {(event.turn, event.call): event for event in told if isinstance(event, ToolCalled)}
    turns: list[Json] = []
    for turn in sorted(replies):
        first, sample = turn_and_sample(turn)
        if sample or first // _LIFE != life:
            continue
        reply = replies[turn].reply
        if not reply.tool_calls:
            turns.append({"reply": reply.text})
            continue
        calls: list[Json] = []
        for call in reply.tool_calls:
            result = results.get((turn, call.id))
            told_back = {} if result is None or result.error else {"result": result.result}
            calls.append({"tool": call.name, "with": call.arguments, **told_back})
        turns.append({"calls": calls})
    if len(turns) == 1 and isinstance(turns[0], dict) and "reply" in turns[0]:
        return turns[0]["reply"]
    return {"turns": turns}


def _result(result: Json) -> Json:
    if isinstance(result, dict) and "exit_code" in result:
        return {name: result[name] for name in ("stdout", "stderr", "exit_code") if result.get(name)}
    return {"reply": result}
