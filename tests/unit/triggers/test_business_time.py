"""Time that counts: opening hours, over weekends, holidays and changes of the clock."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.instants import parse_instant
from triggers.business_time import add, between
from triggers.calendars import Calendar, DateRange, Holidays
from triggers.errors import CalendarExpired, RuleError
from triggers.model import BusinessTime, Window

BERLIN = "Europe/Berlin"
MINUTE = 60_000_000
HOUR = 60 * MINUTE
WEEKDAYS = frozenset(range(5))
OFFICE = BusinessTime((Window(WEEKDAYS, 7 * 60, 20 * 60),), Calendar("de", holidays=(Holidays("DE", "BE"),)))
ALWAYS = BusinessTime()


def at(text: str) -> int:
    return parse_instant(text)[0]


@pytest.mark.parametrize(
    ("start", "minutes", "expected"),
    [
        ("2026-11-20T10:00:00+01:00", 30, "2026-11-20T10:30:00+01:00"),
        ("2026-11-20T19:45:00+01:00", 30, "2026-11-23T07:15:00+01:00"),  # Friday evening to Monday morning
        ("2026-11-20T19:30:00+01:00", 30, "2026-11-23T07:00:00+01:00"),  # not when everybody leaves
        ("2026-11-21T12:00:00+01:00", 30, "2026-11-23T07:30:00+01:00"),  # on Saturday
        ("2026-04-02T19:50:00+02:00", 20, "2026-04-07T07:10:00+02:00"),  # over Easter
        ("2026-11-18T12:00:00+01:00", 3 * 13 * 60, "2026-11-23T12:00:00+01:00"),
    ],
)
def test_adding_skips_what_does_not_count(start: str, minutes: int, expected: str) -> None:
    found = add(OFFICE, BERLIN, at(start), minutes * MINUTE)
    assert found == at(expected)
    assert between(OFFICE, BERLIN, at(start), found) == minutes * MINUTE


@pytest.mark.parametrize(
    ("day", "next_day", "hours"),
    [("2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 23),
     ("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", 25)],
)  # fmt: skip
def test_a_day_on_which_clocks_change_has_its_real_length(day: str, next_day: str, hours: int) -> None:
    assert between(ALWAYS, BERLIN, at(day), at(next_day)) == hours * HOUR
    assert add(ALWAYS, BERLIN, at(day), hours * HOUR) == at(next_day)


def test_windows_that_meet_in_a_gap_of_the_clock_leave_nothing_out_and_count_nothing_twice() -> None:
    night = BusinessTime((Window(frozenset({6}), 0, 150), Window(frozenset({6}), 150, 24 * 60)))
    sunday = at("2026-03-29T00:00:00+01:00"), at("2026-03-30T00:00:00+02:00")
    assert between(night, BERLIN, *sunday) == 23 * HOUR


def test_overlapping_windows_count_once() -> None:
    twice = BusinessTime((Window(WEEKDAYS, 8 * 60, 12 * 60), Window(WEEKDAYS, 10 * 60, 14 * 60)))
    assert between(twice, "UTC", at("2026-11-20T00:00:00Z"), at("2026-11-21T00:00:00Z")) == 6 * HOUR


@given(
    start=st.integers(at("2026-03-01T00:00:00Z"), at("2026-12-01T00:00:00Z")),
    first=st.integers(0, 40 * HOUR),
    second=st.integers(0, 40 * HOUR),
)
def test_adding_twice_is_adding_the_sum(start: int, first: int, second: int) -> None:
    once = add(OFFICE, BERLIN, start, first + second)
    assert add(OFFICE, BERLIN, add(OFFICE, BERLIN, start, first), second) == once
    assert between(OFFICE, BERLIN, start, once) == first + second


def test_time_that_never_counts_is_an_error() -> None:
    closed = BusinessTime((), Calendar("x", non_working=(DateRange(date(2026, 1, 1), date(2035, 1, 1)),)))
    with pytest.raises(RuleError, match="no time counts for a year after 2026-05-05"):
        add(closed, "UTC", at("2026-05-05T12:00:00Z"), HOUR)


def test_past_the_end_of_the_calendar_nothing_is_known() -> None:
    ending = BusinessTime((), Calendar("x", valid_until=date(2026, 12, 31)))
    with pytest.raises(CalendarExpired):
        add(ending, "UTC", at("2026-12-31T12:00:00Z"), 13 * HOUR)
