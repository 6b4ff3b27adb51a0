"""Runs that wait for a worker: written down whole, taken by whoever works on the store."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from shlex import quote

from nano_flow.core.errors import UsageError
from nano_flow.core.secrets.naming import in_force
from nano_flow.operations.place import Place
from nano_flow.operations.runs.foretelling import foretold
from nano_flow.operations.runs.starting import StartOrder, Wanted
from nano_flow.parts import redactor
from nano_flow.plan.plan import Plan
from nano_flow.ports.store import Mark, StoreReader
from nano_flow.project.opening import open_workflow
from nano_flow.project.preparing import GivenInputs, RunOptions, prepare_opened
from nano_flow.runtime.recorder import sealed_record

ORIGIN = "origin"
"""Kind of the marks that tell who had a run started: ``schedule:NAME``, ``webhook:NAME``, ``api``, ``web:WHO`` …"""
AGAIN = "again"
"""Kind of the marks that tell a worker what a queued run is to do again."""
WORKER = "worker"
"""Kind of the marks by which workers say that they are there."""
ALIVE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class QueueOrder:
    """A run to be queued. ``once`` names what must not start two runs: a key of a caller, a delivery, a due time."""

    start: StartOrder
    origin: str
    once: Sequence[tuple[str, str]] = ()
    """Kinds and names."""


@dataclass(frozen=True, slots=True)
class Queued:
    """The run that waits; ``is_new`` is False where an earlier order of the same name had made it."""

    run_id: str
    is_new: bool = True


def queue_run(place: Place, order: QueueOrder) -> Queued:
    """Write a run down for whoever works on the store. Raises DocumentError and UsageError as ``run`` does."""
    start, now = order.start, time.time()
    opened = open_workflow(start.file, place.config_dir, start.texts)
    prepared = prepare_opened(opened, start.given, start.options, now=now)
    _refuse_secrets(prepared.plan, prepared.inputs)
    record = replace(sealed_record(prepared.record, redactor(prepared, place.environ)), status="queued")
    marks = [Mark(*once, at=now, value=record.run_id) for once in order.once]
    marks.append(Mark(ORIGIN, record.run_id, now, order.origin))
    there = place.store.queue_run(record, marks)
    return Queued(record.run_id) if there is None else Queued(there.value, is_new=False)


def queue_again(place: Place, name: str, wanted: Wanted | None = None) -> str:
    """Let a worker go on with a run that stopped, or do what is ``wanted`` of it again.

    Raises UsageError where it is over, somebody works on it, or an address does not exist.
    """
    store, order = place.store, wanted or Wanted()
    with store.reader() as reader:
        found = reader.find_run(name)
    if found.status == "queued":
        raise UsageError(f'the run "{found.run_id}" waits for a worker already')
    if found.owner is not None:
        raise UsageError(f'run "{found.run_id}" is at work in {found.owner}')
    if order != Wanted():
        foretold(place, found, order)
        told = json.dumps({"addresses": list(order.addresses), "failed": order.failed})
        store.remember(Mark(AGAIN, found.run_id, time.time(), told))
    elif found.status == "succeeded":
        raise UsageError(f'the run "{found.run_id}" has succeeded: there is nothing to go on with')
    if not store.requeue_run(found.run_id):
        raise UsageError(f'run "{found.run_id}" is at work in {found.owner}')
    return found.run_id


def queue_copy(place: Place, name: str, origin: str, given: GivenInputs | None = None) -> Queued:
    """A new run of the workflow of ``name`` as its file stands now, with the same inputs but those that are given."""
    with place.store.reader() as reader:
        record = reader.run_record(reader.find_run(name).run_id, in_force(place.environ, lambda name: None))
    if record is None:
        raise UsageError(f'there is no run "{name}"')
    given = given or GivenInputs()
    inputs = {name: value for name, value in record.inputs.items() if value is not None}
    start = StartOrder(
        record.file, GivenInputs(given.texts, {**inputs, **given.data}), RunOptions.from_json(record.options)
    )
    return queue_run(place, QueueOrder(start, origin))


def wanted_again(reader: StoreReader, run_id: str) -> Wanted:
    """What whoever queued the run wants done again."""
    mark = reader.marks(AGAIN, (run_id,)).get(run_id)
    if mark is None or not mark.value:
        return Wanted()
    told = json.loads(mark.value)
    return Wanted(tuple(told["addresses"]), bool(told["failed"]))


def worker_is_alive(place: Place) -> bool:
    """True where a worker of this store said a moment ago that it is there."""
    store = place.store
    if not store.exists():
        return False
    with store.reader() as reader:
        return any(mark.at > time.time() - ALIVE_SECONDS for mark in reader.marks(WORKER).values())


def origins(reader: StoreReader, run_ids: Sequence[str]) -> Mapping[str, str]:
    """Run → who had it started, of those that were queued."""
    return {name: mark.value for name, mark in reader.marks(ORIGIN, run_ids).items()}


def _refuse_secrets(plan: Plan, inputs: Mapping[str, object]) -> None:
    """A secret is never written down, so nobody could give it to the run later."""
    secret = [name for name, spec in plan.inputs.items() if spec.secret and inputs.get(name) is not None]
    if secret:
        raise UsageError(
            f'input "{secret[0]}" is secret and is not kept in the store, so no worker could have it: '
            f'start the run in a terminal with "nano-flow run {quote(plan.file)} -i {secret[0]}=…"'
        )
