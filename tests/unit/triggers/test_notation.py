"""How rules write durations, days, hours and moments."""

from __future__ import annotations

from datetime import date, time

import pytest

from lineage.instants import parse_instant
from triggers.calendars import DateRange
from triggers.errors import RuleError
from triggers.model import Grain, Window
from triggers.notation import day, days, duration, moment, offset, time_of_day, weekdays, windows

SECOND = 1_000_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("2h", 7_200),
        ("1d", 86_400),
        ("1w", 604_800),
        ("1h30m", 5_400),
        ("0m", 0),
        ("PT2H", 7_200),
        ("P1D", 86_400),
    ],
)
def test_durations(text: str, seconds: int) -> None:
    assert duration(text) == seconds * SECOND


@pytest.mark.parametrize(
    "text", ["", "2", "2 h", "-2h", "2H", "h", "1y", "P1M", "PT", "999999999w", "1.5h", "٣h"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(RuleError):
        duration(text)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("sat,sun", {5, 6}),
        ("Fri - mon", {4, 5, 6, 0}),
        ("wed", {2}),
        ("mon-sun", {0, 1, 2, 3, 4, 5, 6}),
        ("mon-tue,thu", {0, 1, 3}),
    ],
)
def test_days_of_the_week(text: str, numbers: set[int]) -> None:
    assert weekdays(text) == numbers


@pytest.mark.parametrize("text", ["", "monday", "mon-", "mon..fri", "mon-fri-sun", "1-5"])
def test_what_is_no_day_of_the_week(text: str) -> None:
    with pytest.raises(RuleError, match="no days of the week"):
        weekdays(text)


def test_hours_may_end_at_midnight_or_on_the_day_after() -> None:
    friday, saturday = frozenset({4}), frozenset({5})
    assert windows(friday, ("07:00-20:00",)) == (Window(friday, 420, 1200),)
    assert windows(friday, ("20:00-24:00",)) == (Window(friday, 1200, 1440),)
    assert windows(friday, ("20:00-00:00",)) == (Window(friday, 1200, 1440),)
    assert windows(friday, ("22:00-04:00",)) == (Window(friday, 1320, 1440), Window(saturday, 0, 240))
    assert windows(frozenset({6}), ("22:00-04:00",))[1] == Window(frozenset({0}), 0, 240)
    assert windows(friday, ()) == (Window(friday),)


@pytest.mark.parametrize(
    "text", ["07:00", "7:00-8:00", "07:00-25:00", "07:00-07:00", "24:00-07:00", "07:60-08:00"]
)
def test_what_are_no_hours(text: str) -> None:
    with pytest.raises(RuleError):
        windows(frozenset({0}), (text,))


def test_times_of_day() -> None:
    assert time_of_day("07:05") == time(7, 5)
    for text in ("7:05", "24:00", "07:05:00", "noon"):
        with pytest.raises(RuleError):
            time_of_day(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-12-05T22:00", "2026-12-05T21:00Z"),
        ("2026-07-05 22:00", "2026-07-05T20:00Z"),
        ("2026-12-05", "2026-12-04T23:00Z"),
        ("2026-12-05T22:00+03:00", "2026-12-05T19:00Z"),
        ("2026-12-05T22:00Z", "2026-12-05T22:00Z"),
        ("2026-12-05T24:00", "2026-12-05T23:00Z"),
        ("2026-03-29T02:30", "2026-03-29T01:00Z"),  # left out: right after
        ("2026-10-25T02:30", "2026-10-25T00:30Z"),  # comes twice: the first
    ],
)
def test_moments_are_by_the_clock_of_the_time_zone(text: str, meant: str) -> None:
    assert moment(text, "Europe/Berlin") == parse_instant(meant)[0]


def test_what_is_no_moment_and_no_day() -> None:
    with pytest.raises(RuleError, match="no time: 'soon'"):
        moment("soon", "UTC")
    with pytest.raises(RuleError, match="no day: '2026-02-30'"):
        day("2026-02-30")
    assert days("2026-12-24", "2026-12-31") == DateRange(date(2026, 12, 24), date(2026, 12, 31))


def test_offsets_are_in_partitions() -> None:
    assert offset(-1, Grain.MONTH) == offset("-1", Grain.MONTH) == offset("-1mo", Grain.MONTH) == -1
    assert (offset("-2d", Grain.DAY), offset("+3h", Grain.HOUR), offset("1w", Grain.WEEK)) == (-2, 3, 1)
    for text in ("-1h", "yesterday", "1.5d"):
        with pytest.raises(RuleError, match="-1d"):
            offset(text, Grain.DAY)
