"""When data is due: releases over time, in five zones, forward and back, where clocks are put forward and back."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import islice, pairwise, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.instants import parse_instant
from triggers.calendars import Calendar, Holidays
from triggers.deadlines import Timetable, timetable
from triggers.errors import RuleError
from triggers.model import Due, Roll
from triggers.zones import local, wall, zone

BERLIN = "Europe/Berlin"
HOUR = 3_600_000_000

LATER = " ".join(f"{hour:02}:15+10.5" for hour in range(2, 24, 2))

# Zone, day, cron, and what clocks show (with their offset, in hours) at each release of that day.
GOLDEN = [
    # Berlin: 02:00 to 03:00 is left out, and comes twice.
    (BERLIN, "2026-03-29", "30 2 * * *", "03:00+2"),
    (BERLIN, "2026-03-29", "0 2,3 * * *", "03:00+2"),
    (BERLIN, "2026-03-29", "0,30 1,2 * * *", "01:00+1 01:30+1 03:00+2"),
    (BERLIN, "2026-03-29", "*/30 1-3 * * *", "01:00+1 01:30+1 03:00+2 03:30+2"),
    (BERLIN, "2026-03-29", "15 */4 * * *", "00:15+1 04:15+2 08:15+2 12:15+2 16:15+2 20:15+2"),
    (BERLIN, "2026-10-25", "30 2 * * *", "02:30+2"),
    (BERLIN, "2026-10-25", "0 2,3 * * *", "02:00+2 03:00+1"),
    (BERLIN, "2026-10-25", "*/30 1-2 * * *", "01:00+2 01:30+2 02:00+2 02:30+2 02:00+1 02:30+1"),
    # New York: 02:00 to 03:00 is left out, 01:00 to 02:00 comes twice.
    ("America/New_York", "2026-03-08", "30 2 * * *", "03:00-4"),
    ("America/New_York", "2026-03-08", "0 2,3 * * *", "03:00-4"),
    ("America/New_York", "2026-03-08", "*/30 1-2 * * *", "01:00-5 01:30-5"),
    ("America/New_York", "2026-11-01", "30 1 * * *", "01:30-4"),
    ("America/New_York", "2026-11-01", "30 2 * * *", "02:30-5"),
    ("America/New_York", "2026-11-01", "*/30 1-2 * * *", "01:00-4 01:30-4 01:00-5 01:30-5 02:00-5 02:30-5"),
    # Lord Howe: half an hour, 02:00 to 02:30 is left out, 01:30 to 02:00 comes twice.
    ("Australia/Lord_Howe", "2026-10-04", "15 2 * * *", "02:30+11"),
    ("Australia/Lord_Howe", "2026-10-04", "0 2,3 * * *", "02:30+11 03:00+11"),
    ("Australia/Lord_Howe", "2026-10-04", "*/30 1-2 * * *", "01:00+10.5 01:30+10.5 02:30+11"),
    ("Australia/Lord_Howe", "2026-04-05", "45 1 * * *", "01:45+11"),
    ("Australia/Lord_Howe", "2026-04-05", "*/30 1-2 * * *", "01:00+11 01:30+11 01:30+10.5 02:00+10.5 02:30+10.5"),
    ("Australia/Lord_Howe", "2026-04-05", "15 */8 * * *", "00:15+11 08:15+10.5 16:15+10.5"),
    ("Australia/Lord_Howe", "2026-04-05", "15 */2 5 4 *", f"00:15+11 {LATER}"),
    # Santiago: the clock jumps at midnight, so one day has no 00:00, and one ends with 23:00 to 24:00 twice.
    ("America/Santiago", "2026-09-06", "0 0 * * *", "01:00-3"),
    ("America/Santiago", "2026-09-06", "0 */8 * * *", "08:00-3 16:00-3"),
    ("America/Santiago", "2026-04-04", "30 23 * * *", "23:30-3"),
    ("America/Santiago", "2026-04-04", "*/30 23 * * *", "23:00-3 23:30-3 23:00-4 23:30-4"),
    # Kolkata: no such thing.
    ("Asia/Kolkata", "2026-03-29", "30 2 * * *", "02:30+5.5"),
    ("Asia/Kolkata", "2026-03-29", "0 */8 * * *", "00:00+5.5 08:00+5.5 16:00+5.5"),
]  # fmt: skip

# Berlin's holidays of 2026 as a calendar: Easter is 5 April, so 3 and 6 April are free.
DE = Calendar("de", holidays=(Holidays("DE", "BE"),), valid_until=date(2027, 12, 31))


def at(text: str) -> int:
    return parse_instant(text)[0]


def between(due: Due, timezone: str, start: int, end: int) -> list[int]:
    return list(takewhile(lambda release: release < end, Timetable(due, timezone).forward(start - 1)))


def back(due: Due, timezone: str, start: int, end: int) -> list[int]:
    return list(takewhile(lambda release: release >= start, Timetable(due, timezone).back(end)))[::-1]


def day_of(day: str, timezone: str) -> tuple[int, int]:
    first = datetime.fromisoformat(day)
    return wall(first, zone(timezone)), wall(first + timedelta(days=1), zone(timezone))


def shown(release: int, timezone: str) -> str:
    moment = local(release, zone(timezone))
    offset = moment.utcoffset()
    assert offset is not None
    return f"{moment:%H:%M}{offset.total_seconds() / 3600:+g}"


@pytest.mark.parametrize(("timezone", "day", "cron", "expected"), GOLDEN)
def test_releases_of_a_day_on_which_clocks_change(timezone: str, day: str, cron: str, expected: str) -> None:
    start, end = day_of(day, timezone)
    found = between(Due(cron=cron), timezone, start, end)
    assert [shown(release, timezone) for release in found] == expected.split()
    assert back(Due(cron=cron), timezone, start, end) == found


@pytest.mark.parametrize("timezone", sorted({row[0] for row in GOLDEN}))
def test_every_hour_is_every_real_hour(timezone: str) -> None:
    year = at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z")
    found = between(Due(cron="*/30 * * * *"), timezone, *year)
    assert len(found) == 365 * 48
    assert {later - sooner for sooner, later in pairwise(found)} == {HOUR // 2}


CRONS = [
    "30 2 * * *",
    "0 0 * * *",
    "0 2,3 * * *",
    "*/15 * * * *",
    "15 */2 * * *",
    "0 7 * * mon-fri",
    "0 9 l * *",
    "0 5 1 * *",
]


@given(
    cron=st.sampled_from(CRONS),
    timezone=st.sampled_from(sorted({row[0] for row in GOLDEN})),
    roll=st.sampled_from([None, *Roll]),
    start=st.integers(at("2026-01-01T00:00:00Z"), at("2026-12-31T00:00:00Z")),
    days=st.integers(1, 40),
)
def test_forward_and_back_give_the_same_releases(
    cron: str, timezone: str, roll: Roll | None, start: int, days: int
) -> None:
    due = Due(cron=cron, calendar=DE, on_non_business_day=roll) if roll else Due(cron=cron)
    end = start + days * 24 * HOUR
    found = between(due, timezone, start, end)
    assert found == sorted(set(found))
    assert back(due, timezone, start, end) == found


@given(moments=st.lists(st.integers(at("2026-03-01T00:00:00Z"), at("2026-05-01T00:00:00Z")), max_size=30))
def test_what_a_timetable_remembers_changes_no_answer(moments: list[int]) -> None:
    due = Due(at=time(7), calendar=DE)
    remembering = Timetable(due, BERLIN)
    for moment in moments:
        assert remembering.after(moment) == next(Timetable(due, BERLIN).forward(moment))
        assert remembering.before(moment) == next(Timetable(due, BERLIN).back(moment))
        release = remembering.after(moment)
        assert release is not None
        assert remembering.before(release) == next(Timetable(due, BERLIN).back(release))
        assert remembering.after(release) == next(Timetable(due, BERLIN).forward(release))


# --- calendars --------------------------------------------------------------------------------------------------


def dates(due: Due, first: str, last: str) -> list[str]:
    end = day_of(last, BERLIN)[1]
    found = between(due, BERLIN, day_of(first, BERLIN)[0], end)
    assert back(due, BERLIN, day_of(first, BERLIN)[0], end) == found
    return [f"{local(release, zone(BERLIN)):%d.%m. %H:%M}" for release in found]


def test_days_off_have_no_release() -> None:
    assert dates(Due(at=time(7), calendar=DE), "2026-04-01", "2026-04-08") == [
        "01.04. 07:00", "02.04. 07:00", "07.04. 07:00", "08.04. 07:00",
    ]  # fmt: skip


def test_releases_of_days_off_move_to_a_working_day() -> None:
    monthly = "0 7 4 * *"
    following = Due(cron=monthly, calendar=DE, on_non_business_day=Roll.FOLLOWING)
    assert dates(following, "2026-04-01", "2026-04-30") == ["07.04. 07:00"]
    preceding = Due(cron=monthly, calendar=DE, on_non_business_day=Roll.PRECEDING)
    assert dates(preceding, "2026-04-01", "2026-04-30") == ["02.04. 07:00"]
    untouched = Due(cron=monthly, calendar=DE, on_non_business_day=Roll.NONE)
    assert dates(untouched, "2026-04-01", "2026-04-30") == ["04.04. 07:00"]


def test_moved_releases_are_in_order_among_those_of_the_day() -> None:
    # Saturday's 12:00 comes to stand after Monday's 07:00, and Sunday's and Monday's 07:00 are one.
    due = Due(cron="0 7,12 * * sat,sun,mon", calendar=DE, on_non_business_day=Roll.FOLLOWING)
    assert dates(due, "2026-04-11", "2026-04-14") == ["13.04. 07:00", "13.04. 12:00"]


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1, "01.04. 12:00"), (3, "07.04. 12:00"), (-1, "30.04. 12:00"), (-2, "29.04. 12:00")],
)
def test_working_day_of_the_month(number: int, expected: str) -> None:
    due = Due(at=time(12), business_day=number, calendar=DE)
    assert dates(due, "2026-04-01", "2026-04-30") == [expected]


def test_a_month_without_that_working_day_has_no_release() -> None:
    due = Due(at=time(12), business_day=23, calendar=Calendar("weekdays"))
    # 2026 has 23 weekdays in July, December and no other month of the second half.
    assert dates(due, "2026-07-01", "2026-12-31") == ["31.07. 12:00", "31.12. 12:00"]


def test_nothing_is_known_past_the_end_of_a_calendar() -> None:
    table = Timetable(Due(at=time(7), calendar=DE), BERLIN)
    assert table.end == at("2027-12-31T23:00:00Z")
    assert table.after(at("2027-12-30T12:00:00Z")) == at("2027-12-31T06:00:00Z")
    assert table.after(at("2027-12-31T12:00:00Z")) is None
    assert table.before(at("2028-06-01T00:00:00Z")) == at("2027-12-31T06:00:00Z")


def test_a_rule_for_days_off_alone_has_no_release() -> None:
    due = Due(cron="0 7 * * sun", calendar=Calendar("weekdays"))
    assert Timetable(due, BERLIN).after(at("2026-01-01T00:00:00Z")) is None
    assert Timetable(due, BERLIN).before(at("2026-01-01T00:00:00Z")) is None


# --- what counts for a release ----------------------------------------------------------------------------------


def test_data_counts_from_half_way_since_the_release_before() -> None:
    table = Timetable(Due(at=time(7)), "UTC")
    assert table.accepts_from(at("2026-11-22T07:00:00Z")) == at("2026-11-21T19:00:00Z")
    evening, night = at("2026-11-21T18:59:00Z"), at("2026-11-21T19:00:00Z")
    assert table.around(evening) == (at("2026-11-21T07:00:00Z"), at("2026-11-22T07:00:00Z"))
    assert table.around(night) == (at("2026-11-22T07:00:00Z"), at("2026-11-23T07:00:00Z"))


def test_data_counts_for_as_long_before_as_the_rule_says() -> None:
    table = Timetable(Due(at=time(7), accept=11 * HOUR), "UTC")
    assert table.accepts_from(at("2026-11-22T07:00:00Z")) == at("2026-11-21T20:00:00Z")


def test_data_from_before_a_release_never_counts_for_the_next() -> None:
    table = Timetable(Due(at=time(7), accept=48 * HOUR), "UTC")
    assert table.accepts_from(at("2026-11-22T07:00:00Z")) == at("2026-11-21T07:00:00Z")


def test_equal_rules_share_one_timetable() -> None:
    assert timetable(Due(at=time(7)), BERLIN) is timetable(Due(at=time(7)), BERLIN)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({}, "time of day or by cron"),
        ({"at": time(7), "cron": "0 7 * * *"}, "time of day or by cron"),
        ({"cron": "0 0 7 * * *"}, "five fields"),
        ({"cron": "0 25 * * *"}, "Bad hour in cron '0 25"),
        ({"cron": "0 0 30 2 *"}, "Bad day-of-month"),
        ({"at": time(7), "business_day": 3}, "needs a time of day and a calendar"),
        ({"at": time(7), "business_day": 24, "calendar": DE}, "at most 23"),
        ({"at": time(7, 0, 30)}, "whole minutes"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(rule: dict[str, object], message: str) -> None:
    with pytest.raises(RuleError, match=message):
        Due(**rule)  # type: ignore[arg-type]  # what a file may hold


def test_a_zone_that_there_is_not_is_refused() -> None:
    with pytest.raises(RuleError, match="Europe/Nowhere"):
        Timetable(Due(at=time(7)), "Europe/Nowhere")


def test_walks_can_be_cut_short() -> None:
    releases = list(islice(Timetable(Due(cron="0 0 29 2 *"), "UTC").forward(at("2026-01-01T00:00:00Z")), 2))
    assert releases == [at("2028-02-29T00:00:00Z"), at("2032-02-29T00:00:00Z")]
