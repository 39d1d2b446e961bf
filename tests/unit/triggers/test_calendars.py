"""Working days: what wins over what, holidays of places and markets, and where a calendar ends."""

from __future__ import annotations

from datetime import date

import pytest

from triggers.calendars import Calendar, DateRange, Holidays
from triggers.errors import CalendarError, CalendarExpired

BERLIN = Holidays("DE", "BE")
CLOSED = DateRange(date(2026, 12, 24), date(2026, 12, 31))
OPEN = DateRange(date(2026, 12, 19), date(2026, 12, 19))
DE = Calendar(
    "de", holidays=(BERLIN,), non_working=(CLOSED,), working=(OPEN,), valid_until=date(2027, 12, 31)
)


@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2026, 4, 2), True),
        (date(2026, 4, 3), False),  # Good Friday
        (date(2026, 4, 6), False),  # Easter Monday
        (date(2026, 3, 8), False),  # Women's Day, in Berlin; a Sunday
        (date(2027, 3, 8), False),  # and a Monday
        (date(2026, 12, 19), True),  # a Saturday on which they work
        (date(2026, 12, 20), False),
        (date(2026, 12, 24), False),  # no holiday, but closed
        (date(2026, 12, 31), False),
        (date(2027, 1, 4), True),
    ],
)
def test_working_days(day: date, working: bool) -> None:
    assert DE.is_working(day) is working


def test_an_explicit_working_day_wins_over_a_holiday() -> None:
    christmas = date(2026, 12, 25)
    calendar = Calendar("x", holidays=(BERLIN,), working=(DateRange(christmas, christmas),))
    assert calendar.is_working(christmas)


def test_markets_have_their_own_holidays() -> None:
    new_york, ecb = (Calendar(market, holidays=(Holidays(market=market),)) for market in ("XNYS", "XECB"))
    thanksgiving, may = date(2026, 11, 26), date(2026, 5, 1)
    assert (new_york.is_working(thanksgiving), ecb.is_working(thanksgiving)) == (False, True)
    assert (new_york.is_working(may), ecb.is_working(may)) == (True, False)


def test_holidays_of_several_places_are_all_free() -> None:
    both = Calendar("both", holidays=(BERLIN, Holidays("US")))
    assert not both.is_working(date(2026, 11, 26))
    assert not both.is_working(date(2026, 10, 3))


def test_a_holiday_observed_in_the_year_before_counts() -> None:
    assert not Calendar("us", holidays=(Holidays("US"),)).is_working(date(2027, 12, 31))


def test_past_its_end_a_calendar_says_nothing() -> None:
    assert DE.is_working(date(2027, 12, 30))
    with pytest.raises(CalendarExpired, match="valid until 2027-12-31, and 2028-01-03"):
        DE.is_working(date(2028, 1, 3))


def test_next_working_days_over_easter_and_christmas() -> None:
    assert DE.following(date(2026, 4, 3)) == date(2026, 4, 7)
    assert DE.preceding(date(2026, 4, 6)) == date(2026, 4, 2)
    assert DE.following(date(2026, 12, 24)) == date(2027, 1, 4)
    assert DE.preceding(date(2026, 12, 19)) == date(2026, 12, 19)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1, date(2026, 12, 1)),
        (3, date(2026, 12, 3)),
        (-1, date(2026, 12, 23)),
        (-4, date(2026, 12, 19)),
        (20, None),
    ],
)
def test_working_day_of_a_month(number: int, expected: date | None) -> None:
    assert DE.nth(2026, 12, number) == expected


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({"country": "XX"}, "XX"),
        ({"country": "DE", "subdivision": "ZZ"}, "ZZ"),
        ({"market": "NOPE"}, "NOPE"),
        ({}, "of a country or of a market"),
        ({"country": "DE", "market": "XECB"}, "of a country or of a market"),
        ({"market": "XECB", "subdivision": "BE"}, "needs its country"),
    ],
)
def test_holidays_that_nobody_knows_are_refused(place: dict[str, str], message: str) -> None:
    with pytest.raises(CalendarError, match=message):
        Holidays(**place)


def test_a_calendar_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(CalendarError, match="2026-12-28 is both"):
        Calendar("x", non_working=(CLOSED,), working=(DateRange(date(2026, 12, 28), date(2027, 1, 2)),))
    with pytest.raises(CalendarError, match="is after"):
        Calendar("x", working=(DateRange(date(2026, 2, 2), date(2026, 2, 1)),))
    with pytest.raises(CalendarError, match="not all"):
        Calendar("x", weekend=frozenset(range(7)))


def test_a_calendar_without_working_days_is_an_error() -> None:
    closed = Calendar("x", non_working=(DateRange(date(2026, 1, 1), date(2030, 1, 1)),))
    with pytest.raises(CalendarError, match="no working day within a year of 2026-05-05"):
        closed.following(date(2026, 5, 5))
