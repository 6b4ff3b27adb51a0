"""When a schedule is due: cron expressions on the clock of a time zone, over changes of daylight saving time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nano_flow.core.errors import UsageError
from nano_flow.documents.service import ScheduleDocument


def next_due(schedule: ScheduleDocument, after: float) -> float | None:
    """The first moment after ``after`` (both in seconds since 1970) at which it is due; None where there is none."""
    return next(due_after(schedule, after), None)


def due_after(schedule: ScheduleDocument, after: float) -> Iterator[float]:
    """The moments after ``after`` at which it is due, in their order.

    As Debian's cron has it: what falls into an hour that the clock leaves out is due right after it, and what falls
    into one that comes twice is due once; what is due every so many minutes follows the time that passes.
    """
    CronSim, CronSimError = _cronsim()
    zone = zone_of(schedule.timezone)
    try:
        for moment in CronSim(schedule.cron, datetime.fromtimestamp(after, zone)):
            at = moment.timestamp()
            if at > after:
                yield at
    except (CronSimError, StopIteration):
        return


def fault_of_cron(expression: str) -> str | None:
    """What is wrong with a cron expression, in a few words; None where nothing is. UsageError without cronsim."""
    CronSim, CronSimError = _cronsim()
    if len(expression.split()) != 5:
        return "expected five fields: minute, hour, day of the month, month, day of the week"
    try:
        next(CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        return str(error).replace("Bad ", "wrong ").lower()
    except StopIteration:
        return "no day is like that"
    return None


def zone_of(name: str | None) -> ZoneInfo:
    """The time zone ``name``, UTC where it is None. Raises ValueError for a name that nobody knows."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f'there is no time zone "{name}"') from error


def _cronsim() -> tuple[type, type[Exception]]:
    try:
        from cronsim import CronSim, CronSimError
    except ImportError:
        raise UsageError("schedules need cronsim: pip install 'nano-flow[serve]'") from None
    return CronSim, CronSimError
