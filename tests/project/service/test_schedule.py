"""Schedules on the clocks of time zones: nothing is lost or doubled where clocks change."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

import pytest

from nano_flow.documents.service import ScheduleDocument
from nano_flow.project.service.schedule import due_after, fault_of_cron, next_due, zone_of
from nano_flow.project.service.windows import window_of


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone_of(zone)).timestamp()


def due(cron: str, after: str, zone: str, count: int = 2) -> list[str]:
    schedule = ScheduleDocument(cron=cron, timezone=zone)
    moments = islice(due_after(schedule, at(after, zone)), count)
    return [datetime.fromtimestamp(moment, zone_of(zone)).isoformat() for moment in moments]


def test_a_time_that_spring_leaves_out_is_due_right_after() -> None:
    assert due("30 2 * * *", "2026-03-28 12:00", "Europe/Berlin") == [
        "2026-03-29T03:00:00+02:00",
        "2026-03-30T02:30:00+02:00",
    ]


def test_a_time_that_autumn_has_twice_is_due_once() -> None:
    assert due("30 2 * * *", "2026-10-24 12:00", "Europe/Berlin") == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
    ]


def test_what_is_due_every_half_hour_follows_the_time_that_passes() -> None:
    moments = due("*/30 * * * *", "2026-10-25 01:45", "Europe/Berlin", 5)
    assert [moment[11:] for moment in moments] == [
        "02:00:00+02:00",
        "02:30:00+02:00",
        "02:00:00+01:00",
        "02:30:00+01:00",
        "03:00:00+01:00",
    ]


def test_a_due_time_comes_once_when_asked_from_itself() -> None:
    schedule = ScheduleDocument(cron="0 3 * * *")
    first = next_due(schedule, at("2026-05-01"))
    assert first == at("2026-05-01 03:00")
    assert next_due(schedule, first) == at("2026-05-02 03:00")


def test_a_day_that_never_comes_is_never_due() -> None:
    assert next_due(ScheduleDocument(cron="0 0 31 2 *"), at("2026-01-01")) is None


@pytest.mark.parametrize(
    ("cron", "fault"),
    [
        ("0 3 * * *", None),
        ("*/5 8-18 * * MON-FRI", None),
        ("0 3 * *", "expected five fields: minute, hour, day of the month, month, day of the week"),
        ("0 25 * * *", "wrong hour"),
        ("0 0 31 2 *", "wrong day-of-month"),
    ],
)
def test_what_is_wrong_with_an_expression(cron: str, fault: str | None) -> None:
    assert fault_of_cron(cron) == fault


@pytest.mark.parametrize(
    ("per", "moment", "begin", "end"),
    [
        ("day", "2026-03-29 12:00", "2026-03-29", "2026-03-30"),
        ("week", "2026-03-29 12:00", "2026-03-23", "2026-03-30"),
        ("month", "2026-12-31 23:59", "2026-12-01", "2027-01-01"),
    ],
)
def test_windows_are_those_of_the_calendar(per: str, moment: str, begin: str, end: str) -> None:
    window = window_of(per, "Europe/Berlin", at(moment, "Europe/Berlin"))  # type: ignore[arg-type]
    assert window == (at(begin, "Europe/Berlin"), at(end, "Europe/Berlin"))


def test_the_day_on_which_clocks_change_has_twenty_three_hours() -> None:
    begin, end = window_of("day", "Europe/Berlin", at("2026-03-29 12:00", "Europe/Berlin"))
    assert end - begin == 23 * 3600


def test_a_zone_that_nobody_knows_is_named() -> None:
    with pytest.raises(ValueError, match="Mars/Olympus"):
        zone_of("Mars/Olympus")
