"""What is done at its time: schedules that are due start their workflows, once however many servers there are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice, takewhile

from nano_flow.core.errors import DocumentError, UsageError
from nano_flow.operations.place import Place
from nano_flow.operations.runs.starting import GivenInputs, StartOrder
from nano_flow.operations.service.groups import may_queue
from nano_flow.operations.service.inforce import Service, service_of
from nano_flow.operations.service.queueing import QueueOrder, queue_run
from nano_flow.operations.service.telling import Notifier
from nano_flow.ports.store import Mark
from nano_flow.project.service.retention import keep_house_now_and_then
from nano_flow.project.service.schedule import due_after

SCHEDULE, DUE = "schedule", "due"
"""Kinds of marks: up to when a schedule was looked at; a time at which it was due."""
_LATE_SECONDS = 60.0
"""What was due so long ago was missed, not delayed."""
_MOST_MISSED = 10_000
_HOUSE_SECONDS = 60.0


@dataclass(slots=True)
class Timed:
    """Looked at every second by every server of a store; ``tell`` gets a line for each thing that was done."""

    place: Place
    tell: Callable[[str], None]
    now: Callable[[], float] = time.time
    _notifier: Notifier | None = None
    _house_at: float = field(default=0.0)

    def look(self) -> None:
        """Do what is due now. Raises DocumentError where service.yaml is wrong."""
        service, now = service_of(self.place), self.now()
        for name, at in self._due(service, now):
            self._start(service, name, at)
        if service.notifications:
            if self._notifier is None:
                self._notifier = Notifier(self.place, self.tell)
            self._notifier.look(service)
        if now - self._house_at >= _HOUSE_SECONDS:
            self._house_at = now
            keep_house_now_and_then(self.place.store, service.retention, now)

    def _due(self, service: Service, now: float) -> Iterator[tuple[str, float]]:
        """Names and times. A schedule that nobody has seen before begins now."""
        store = self.place.store
        scheduled = {name: served.schedule for name, served in service.workflows.items() if served.schedule}
        seen = {}
        if scheduled and store.exists():
            with store.reader() as reader:
                seen = reader.marks(SCHEDULE)
        for name, schedule in scheduled.items():
            key = _key(service, name)
            if key not in seen:
                store.mark(Mark(SCHEDULE, key, now, name))
                continue
            times = list(takewhile(lambda at: at <= now, islice(due_after(schedule, seen[key].at), _MOST_MISSED)))
            missed = [at for at in times if at < now - _LATE_SECONDS]
            if missed and schedule.catch_up:
                yield name, missed[-1]
            yield from ((name, at) for at in times if at >= now - _LATE_SECONDS)
            if times:
                # Last: a server that dies before this looks at the same times again, and finds that they were started.
                store.remember(Mark(SCHEDULE, key, times[-1], name))

    def _start(self, service: Service, name: str, at: float) -> None:
        served = service.workflows[name]
        once = (DUE, f"{_key(service, name)}@{at:.0f}")
        order = QueueOrder(
            StartOrder(str(service.file_of(name)), GivenInputs(data=dict(served.inputs or {}))),
            f"schedule:{name}",
            (once,),
        )
        if not may_queue(self.place, service, name):
            self.place.store.mark(Mark(*once, at=at, value="skipped"))
            self.tell(f"{name}: due, and left out, since its group has no room")
            return
        try:
            queued = queue_run(self.place, order)
        except (DocumentError, UsageError) as error:
            self.place.store.mark(Mark(*once, at=at, value="refused"))
            self.tell(f"{name}: due, and could not start: {error}")
            return
        if queued.is_new:
            self.tell(f"{name}: due, run {queued.run_id} waits for a worker")


def _key(service: Service, name: str) -> str:
    """A schedule that was changed is another one: what the old one missed is not the new one's to catch up with."""
    schedule = service.workflows[name].schedule
    return f"{name}|{schedule.cron}|{schedule.timezone or 'UTC'}" if schedule else name
