"""Working days: weekends, the holidays of countries and markets, and what somebody decided otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

import holidays

from triggers.errors import CalendarError, CalendarExpired

DAY = timedelta(days=1)

LONGEST_BREAK = 366
"""Days without a working day (a year, and one) after which a calendar is taken to have none at all."""

MOST_IN_MONTH = 23
"""Working days that a month of 31 days can have when two days a week are free."""


class DateRange(NamedTuple):
    """Days from the first to the last, both included."""

    first: date
    last: date

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Holidays:
    """Public holidays of a country (ISO 3166, with or without a subdivision), or of a market (ISO 10383)."""

    country: str | None = None
    subdivision: str | None = None
    market: str | None = None

    def __post_init__(self) -> None:
        if (self.country is None) == (self.market is None):
            raise CalendarError("holidays are those of a country or of a market")
        if self.subdivision is not None and self.country is None:
            raise CalendarError("a subdivision needs its country")
        days_off(self, 2000)


@lru_cache(maxsize=4096)
def days_off(of: Holidays, year: int) -> frozenset[date]:
    """Give the holidays of a year. Raises CalendarError where none are known for that place or market."""
    try:
        if of.market is not None:
            return frozenset(holidays.financial_holidays(of.market, years=year, expand=False))
        return frozenset(
            holidays.country_holidays(of.country or "", subdiv=of.subdivision, years=year, expand=False)
        )
    except NotImplementedError as error:
        raise CalendarError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days are working days.

    An explicit working day wins over an explicit day off, that over the weekend, and that over holidays. Past
    ``valid_until`` nothing is known, and asking is an error: nobody has entered the days off of that time yet.
    """

    id: str
    weekend: frozenset[int] = frozenset({5, 6})  # as date.weekday(): Monday is 0
    holidays: tuple[Holidays, ...] = ()
    non_working: tuple[DateRange, ...] = ()
    working: tuple[DateRange, ...] = ()
    valid_until: date | None = None

    def __post_init__(self) -> None:
        if not self.weekend < frozenset(range(7)):
            raise CalendarError(
                f"calendar {self.id!r}: a weekend is some of the days 0 (Monday) to 6, not all"
            )
        for span in (*self.working, *self.non_working):
            if span.first > span.last:
                raise CalendarError(f"calendar {self.id!r}: {span.first} is after {span.last}")
        for on in self.working:
            for off in self.non_working:
                if on.first <= off.last and off.first <= on.last:
                    both = max(on.first, off.first)
                    raise CalendarError(f"calendar {self.id!r}: {both} is both a working day and a day off")

    def is_working(self, day: date) -> bool:
        """Tell whether this is a working day. Raises CalendarExpired past ``valid_until``."""
        if self.valid_until is not None and day > self.valid_until:
            raise CalendarExpired(
                f"calendar {self.id!r} is valid until {self.valid_until}, and {day} was asked"
            )
        if any(day in span for span in self.working):
            return True
        if any(day in span for span in self.non_working) or day.weekday() in self.weekend:
            return False
        return not any(day in days_off(of, day.year) for of in self.holidays)

    def endless(self) -> Calendar:
        """Give the same calendar as far as its rules go: for days past its end that only touch on one before it."""
        return self if self.valid_until is None else replace(self, valid_until=None)

    def following(self, day: date) -> date:
        """Give the first working day that is not before this day."""
        return self._search(day, DAY)

    def preceding(self, day: date) -> date:
        """Give the last working day that is not after this day."""
        return self._search(day, -DAY)

    def if_working(self, day: date) -> date | None:
        """Give the day itself if it is a working day."""
        return day if self.is_working(day) else None

    def nth(self, year: int, month: int, number: int) -> date | None:
        """Give the working day of a month with this number: 1 the first, -1 the last; None if it has fewer."""
        first = date(year, month, 1)
        after = date(year + month // 12, month % 12 + 1, 1)
        days = [first + n * DAY for n in range((after - first).days)]
        found = [day for day in (days if number > 0 else reversed(days)) if self.is_working(day)]
        return found[abs(number) - 1] if 0 < abs(number) <= len(found) else None

    def shift(self, day: date, days: int) -> date:
        """Give the working day so many working days after a day; with a negative number, before it."""
        step = DAY if days > 0 else -DAY
        for _ in range(abs(days)):
            day = self._search(day + step, step)
        return day

    def _search(self, day: date, step: timedelta) -> date:
        for n in range(LONGEST_BREAK + 1):
            if self.is_working(day + n * step):
                return day + n * step
        raise CalendarError(f"calendar {self.id!r} has no working day within a year of {day}")
