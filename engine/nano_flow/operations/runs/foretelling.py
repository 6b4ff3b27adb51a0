"""What going on with a run would do again, and what that is likely to cost; nothing is done here."""

from __future__ import annotations

import time

from nano_flow.adapters import recorded_work
from nano_flow.core.errors import UsageError
from nano_flow.core.events import StepExpanded
from nano_flow.operations.place import Place
from nano_flow.operations.runs.picturing import plan_of_run
from nano_flow.operations.runs.starting import Wanted
from nano_flow.ports.store import RunSummary
from nano_flow.project.resuming.again import announcement, reopened

_NOTHING = "goes on where it was; what is recorded is not asked again"


def foretold(place: Place, run: RunSummary, wanted: Wanted) -> str:
    """In words, as the run itself would say it. Raises UsageError for an address that does not exist.

    Empty where the documents of the run cannot be read as a plan any more: going on says why.
    """
    with place.store.reader() as reader:
        record = reader.run_record(run.run_id)
        events = [event for _, event in reader.events_of(run.run_id)]
    plan = plan_of_run(place, record) if record is not None else None
    if plan is None:
        return ""
    work = recorded_work(events)
    counts = {event.address: event.count for event in events if isinstance(event, StepExpanded)}
    order = reopened(work, plan, wanted, counts, time.time())
    if order is None:
        if run.status == "succeeded":
            raise UsageError(f'the run "{run.run_id}" has succeeded: there is nothing to go on with')
        return _NOTHING
    return announcement(work, order)
