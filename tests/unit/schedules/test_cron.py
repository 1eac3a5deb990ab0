"""When schedules are due: contract of the cron library, both changes of clocks included."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest

from nightdrop.clock import to_ms
from nightdrop.errors import ScheduleInvalid
from nightdrop.schedules.cron import check_cron, occurrences


def times(cron: str, zone: str, after: str, count: int) -> list[str]:
    start = to_ms(datetime.fromisoformat(after).replace(tzinfo=UTC))
    found = itertools.islice(occurrences(cron, zone, start), count)
    return [datetime.fromtimestamp(ms / 1000, UTC).strftime("%m-%dT%H:%M") for ms in found]


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("*/15 * * * *", ["01-01T00:15", "01-01T00:30"]),
        ("0 2 * * MON-FRI", ["01-01T02:00", "01-02T02:00"]),
        ("30 6 1 JAN,JUL *", ["01-01T06:30", "07-01T06:30"]),
        ("@daily", ["01-02T00:00", "01-03T00:00"]),
        ("@hourly", ["01-01T01:00", "01-01T02:00"]),
        ("0 0 L * *", ["01-31T00:00", "02-28T00:00"]),
    ],
)
def test_fields_names_and_shorthands(cron: str, expected: list[str]) -> None:
    assert times(cron, "UTC", "2026-01-01T00:00", 2) == expected


def test_a_skipped_time_of_day_fires_once_at_the_change() -> None:
    """Berlin, 29 March 2026: 02:00 becomes 03:00, which is 01:00 UTC."""
    assert times("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00", 3) == ["03-28T01:30", "03-29T01:00", "03-30T00:30"]
    assert times("0,30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", 2) == ["03-29T01:00", "03-30T00:00"]


@pytest.mark.parametrize("after", ["2026-10-24T12:00", "2026-10-25T00:29"])
def test_a_doubled_time_of_day_fires_once_the_first_time(after: str) -> None:
    """Berlin, 25 October 2026: 03:00 becomes 02:00; 02:30 comes at 00:30 and 01:30 UTC."""
    assert times("30 2 * * *", "Europe/Berlin", after, 2) == ["10-25T00:30", "10-26T01:30"]


def test_the_second_of_a_doubled_time_is_not_the_next_one() -> None:
    """Asked between the two 02:30, also from within the doubled hour: the next one is tomorrow."""
    assert times("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30", 1) == ["10-26T01:30"]
    assert times("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10", 1) == ["10-26T01:30"]


def test_intervals_follow_real_time_through_both_changes() -> None:
    assert times("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:30", 3) == [
        "03-29T01:00",
        "03-29T01:30",
        "03-29T02:00",
    ]
    assert times("0 * * * *", "Europe/Berlin", "2026-10-24T23:30", 4) == [
        "10-25T00:00",
        "10-25T01:00",
        "10-25T02:00",
        "10-25T03:00",
    ]


def test_a_zone_whose_change_is_half_an_hour() -> None:
    """Lord Howe Island, 4 October 2026: 02:00 becomes 02:30, which is 15:30 UTC of the day before."""
    assert times("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00", 2) == ["10-03T15:30", "10-04T15:15"]


@pytest.mark.parametrize(
    ("cron", "zone", "field"),
    [
        ("* * * *", "UTC", "cron"),
        ("* * * * * *", "UTC", "cron"),
        ("61 * * * *", "UTC", "cron"),
        ("0 0 30 2 *", "UTC", "cron"),
        ("@often", "UTC", "cron"),
        ("* * * * *", "Mars/Olympus", "timezone"),
        ("* * * * *", "../etc/passwd", "timezone"),
        ("* * * * *", "", "timezone"),
    ],
)
def test_what_is_wrong_names_its_field(cron: str, zone: str, field: str) -> None:
    with pytest.raises(ScheduleInvalid) as error:
        check_cron(cron, zone)
    assert error.value.field == field
    assert field in str(error.value)
