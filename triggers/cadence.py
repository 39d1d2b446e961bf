"""How often a dataset is updated, and at what time of day: read from when its updates came.

Times of day are minutes since the *break*: the middle of the longest part of the day in which nothing ever comes. So a
table that is written about midnight is written once a night, and not on two days.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from statistics import median

from triggers.calendars import Calendar
from triggers.zones import local, zone

MINUTE = 60_000_000
DAY = 86_400_000_000
DAY_MINUTES = 1440

STEP = 5
"""Minutes of which times of day are multiples."""

OFTEN = 0.85
"""Share of Mondays, say, on which something came, from which on it comes on Mondays. Up to 1 less that it does not."""

MOST_A_DAY = 3
"""Updates on a day, in the middle, up to which it is one that is written in parts or twice; more is a stream."""

CLEAR = 0.75
"""Share of months that agree on a day, from which on it is the day."""

MONTH = (25 * DAY, 35 * DAY)
"""How long pauses are, in the middle, of what comes monthly."""

WORKING = Calendar("working-days")
"""Monday to Friday; of holidays nothing is known here."""


class Rhythm(StrEnum):
    """What kind of times an update comes at."""

    OFTEN = "often"  # several times a day
    DAILY = "daily"
    WEEKDAYS = "weekdays"  # Monday to Friday
    SOME_DAYS = "some_days"  # of the week, one or several
    BUSINESS_DAY = "business_day"  # the nth of the month, Monday to Friday
    MONTH_DAY = "month_day"  # the nth of the month
    IRREGULAR = "irregular"


@dataclass(frozen=True, slots=True)
class Cycle:
    """From break to break, if something came."""

    day: date
    """On which its update mostly comes."""
    first: int
    """Minutes from its break to the first update."""
    last: int
    """And to the last."""
    count: int


@dataclass(frozen=True)
class Cadence:
    """When a dataset is updated. ``arrivals`` are µs UTC, in order; ``days`` of the week and month are local."""

    arrivals: Sequence[int]
    timezone: str
    break_at: int
    """Minutes since midnight at which the days of this dataset begin."""
    rhythm: Rhythm
    days: frozenset[int] = frozenset()
    """Of the week (Monday is 0), or one of the month, or its number among the business days (-1: the last)."""

    @cached_property
    def pauses(self) -> list[int]:
        """The times between updates (µs), the shortest first."""
        return sorted(later - one for one, later in pairwise(self.arrivals))

    @cached_property
    def cycles(self) -> list[Cycle]:
        return _cycles(self.arrivals, self.timezone, self.break_at)

    @cached_property
    def _usual(self) -> int:
        return int(median(self.minutes))

    def clock(self, minute: int) -> tuple[int, int]:
        """Give the minute since midnight, and how many days later than usual that midnight is."""
        days, minutes = divmod(self.break_at + minute, DAY_MINUTES)
        return minutes, days - (self.break_at + self._usual) // DAY_MINUTES

    @cached_property
    def minutes(self) -> list[int]:
        """When the first update of a day came, in minutes since the break, the earliest first."""
        return sorted(cycle.first for cycle in self.cycles)

    def by_weekday(self) -> Mapping[int, list[int]]:
        """Give the minutes of each day of the week on which something came, the earliest first."""
        found: dict[int, list[int]] = defaultdict(list)
        for cycle in self.cycles:
            found[cycle.day.weekday()].append(cycle.first)
        return {day: sorted(found[day]) for day in sorted(found)}


def cadence(arrivals: Sequence[int], timezone: str) -> Cadence:
    """Find the rhythm in arrivals (µs UTC, in order, two at least) by the clock of a time zone."""
    break_at = _break(arrivals, timezone)
    cycles = _cycles(arrivals, timezone, break_at)
    rhythm, days = _rhythm(arrivals, cycles)
    return Cadence(arrivals, timezone, break_at, rhythm, days)


def _break(arrivals: Sequence[int], timezone: str) -> int:
    moments = (local(at, zone(timezone)) for at in arrivals)
    minutes = sorted({moment.hour * 60 + moment.minute for moment in moments})
    following = [*minutes[1:], minutes[0] + DAY_MINUTES]
    gap, start = max((after - one, one) for one, after in zip(minutes, following, strict=True))
    return (start + gap // 2) // STEP * STEP % DAY_MINUTES


def _cycles(arrivals: Sequence[int], timezone: str, break_at: int) -> list[Cycle]:
    found: dict[date, list[int]] = defaultdict(list)
    for at in arrivals:
        moment = local(at, zone(timezone)).replace(tzinfo=None) - timedelta(minutes=break_at)
        found[moment.date()].append(moment.hour * 60 + moment.minute)
    usual = median(min(minutes) for minutes in found.values())
    # The day on which most of the updates are, not the one on which the break is.
    later = timedelta(days=int(break_at + usual) // DAY_MINUTES)
    return [
        Cycle(day + later, min(minutes), max(minutes), len(minutes)) for day, minutes in sorted(found.items())
    ]


def _rhythm(arrivals: Sequence[int], cycles: Sequence[Cycle]) -> tuple[Rhythm, frozenset[int]]:
    pauses = [later - one for one, later in pairwise(arrivals)]
    if median(cycle.count for cycle in cycles) > MOST_A_DAY:
        return Rhythm.OFTEN, _days_of_week(cycles) or frozenset(range(7))
    days = _days_of_week(cycles)
    if days == frozenset(range(7)):
        return Rhythm.DAILY, days
    if days == frozenset(range(5)):
        return Rhythm.WEEKDAYS, days
    if days:
        return Rhythm.SOME_DAYS, days
    if MONTH[0] <= median(pauses) <= MONTH[1]:
        return _monthly(cycles)
    return Rhythm.IRREGULAR, frozenset()


def _days_of_week(cycles: Sequence[Cycle]) -> frozenset[int]:
    """Give the days of the week on which something comes; none if it comes on some of them only now and then."""
    first, last = cycles[0].day, cycles[-1].day
    length = (last - first).days + 1
    there = Counter((first + timedelta(days=number)).weekday() for number in range(length))
    came = Counter(cycle.day.weekday() for cycle in cycles)
    shares = {day: came[day] / there[day] for day in range(7) if there[day]}
    if len(shares) < 7 or length < 14:
        return frozenset()
    if any(1 - OFTEN < share < OFTEN for share in shares.values()):
        return frozenset()
    return frozenset(day for day, share in shares.items() if share >= OFTEN)


def _monthly(cycles: Sequence[Cycle]) -> tuple[Rhythm, frozenset[int]]:
    """Find the day of the month by its date, or by its number among the business days from either end."""
    days = [cycle.day for cycle in cycles]
    candidates = [
        (*_commonest([_business_day(day, way) for day in days]), Rhythm.BUSINESS_DAY) for way in (1, -1)
    ]
    candidates.append((*_commonest([day.day for day in days]), Rhythm.MONTH_DAY))
    share, number, rhythm = max(candidates, key=lambda each: each[0])
    return (rhythm, frozenset({number})) if share >= CLEAR and number else (Rhythm.IRREGULAR, frozenset())


def _commonest(numbers: Sequence[int | None]) -> tuple[float, int]:
    (number, times), *_ = Counter(numbers).most_common(1)
    return (0.0, 0) if number is None else (times / len(numbers), number)


def _business_day(day: date, way: int) -> int | None:
    """Give the number of a day among the business days of its month, from the first (1) or the last (-1)."""
    if not WORKING.is_working(day):
        return None
    edge = day.replace(day=1) if way == 1 else (day.replace(day=1) + timedelta(days=31)).replace(day=1)
    between = (day - edge).days + 1 if way == 1 else (edge - day).days
    start = edge if way == 1 else day
    return way * sum(WORKING.is_working(start + timedelta(days=number)) for number in range(between))
