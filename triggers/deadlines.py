"""When data is due: the releases of a ``Due`` over time, forward and back.

Where clocks are put forward or back, cron's rule holds (Debian's cron): a fixed time that is left out means the moment
after the gap, one that comes twice means the first; what runs at intervals (``*``, ``*/15``) runs at every real one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache, partial
from itertools import groupby, takewhile
from typing import Final

from cronsim import CronSim

from triggers.calendars import Calendar
from triggers.model import Due, Roll
from triggers.zones import local, times_shown, wall, zone

FORWARD: Final = 1
BACK: Final = -1

KEPT = 400
"""Neighbouring releases that a timetable remembers: those of a year of days, or of a week of quarter hours."""

LONGEST_GAP = timedelta(days=50 * 365)
"""How far to look for a release: a rule that names only days off (``0 7 * * sun``) has none. Cronsim looks as far."""

A_DAY = timedelta(days=1)
A_SECOND = timedelta(seconds=1)


class Timetable:
    """The releases of one ``Due`` in one time zone: instants, each later than the one before.

    ``end`` is where its calendar ends (None: nowhere); no releases are known from there on.
    """

    def __init__(self, due: Due, timezone: str) -> None:
        self.due = due
        self.end = end_of(due.calendar, timezone)
        # What lies past the end is left out, but a day off before it may be moved there.
        self._calendar = due.calendar.endless() if due.calendar else None
        self._zone = zone(timezone)
        self._expression = due.cron or f"{due.at:%M %H} * * *"
        minute, hour = self._expression.split()[:2]
        self._intervals = minute.startswith("*") or hour.startswith("*")
        # Releases without one left out between them. Replaced, never changed: threads may read it.
        self._known: tuple[int, ...] = ()

    def after(self, at: int) -> int | None:
        """Give the first release after an instant; None if none is known, or none comes in fifty years."""
        return self._neighbours(at)[1]

    def before(self, at: int) -> int | None:
        """Give the last release known before an instant; None if there is none in fifty years."""
        return self._neighbours(at - 1)[0]

    def _neighbours(self, at: int) -> tuple[int | None, int | None]:
        """Give the last release that is not after an instant, and the first that is."""
        known = self._known
        place = bisect_right(known, at)
        if 0 < place < len(known):
            return known[place - 1], known[place]
        last, following = next(self.back(at + 1), None), next(self.forward(at), None)
        if last is not None and following is not None:
            if known and last == known[-1]:
                self._known = (*known[-KEPT:], following)
            elif known and following == known[0]:
                self._known = (last, *known[:KEPT])
            else:
                self._known = (last, following)
        return last, following

    def accepts_from(self, release: int) -> int:
        """Give the instant from which on data counts for a release."""
        previous, accept = self.before(release), self.due.accept
        if previous is None:
            return 0 if accept is None else release - accept
        return release - (release - previous) // 2 if accept is None else max(release - accept, previous)

    def around(self, arrived: int) -> tuple[int | None, int | None]:
        """Give the last release that data meets which arrived at this instant, and the first one that it does not."""
        coming = self.after(arrived)
        if coming is None or arrived < self.accepts_from(coming):
            return self.before(arrived + 1), coming
        return coming, self.after(coming)

    def forward(self, at: int) -> Iterator[int]:
        """Give the releases after an instant, in order."""
        end = self.end
        return takewhile(lambda release: end is None or release < end, self._walk(at, FORWARD))

    def back(self, at: int) -> Iterator[int]:
        """Give the releases before an instant, the last first."""
        return self._walk(at if self.end is None else min(at, self.end), BACK)

    def _walk(self, at: int, way: int) -> Iterator[int]:
        # A time in a gap and one right after it are the same instant, and so may two be that are moved to one day.
        for release in self._by_day(local(at, self._zone).date(), way):
            if (release - at) * way > 0:
                yield release
                at = release

    def _by_day(self, today: date, way: int) -> Iterator[int]:
        """Give the releases of this day, all of them, and of the days from there on."""
        due, calendar = self.due, self._calendar
        first = today
        move: Callable[[date], date | None] = _stay
        if due.business_day is not None and calendar is not None:
            move = partial(_if_nth, cache(calendar.nth), due.business_day)
        elif calendar is not None and due.on_non_business_day is Roll.SKIP:
            move = calendar.if_working
        elif calendar is not None and due.on_non_business_day is Roll.FOLLOWING:
            move = calendar.following
            first = calendar.preceding(today - A_DAY) + A_DAY if way == FORWARD else today
        elif calendar is not None and due.on_non_business_day is Roll.PRECEDING:
            move = calendar.preceding
            first = today if way == FORWARD else calendar.following(today + A_DAY) - A_DAY
        ticks = takewhile(lambda tick: abs(tick.date() - today) < LONGEST_GAP, self._ticks(first, way))
        for day, moved in groupby(ticks, key=lambda tick: move(tick.date())):
            if day is not None:
                times = {datetime.combine(day, tick.time()) for tick in moved}
                yield from sorted(
                    {at for time_ in times for at in self._instants(time_)}, reverse=way == BACK
                )

    def _ticks(self, first: date, way: int) -> Iterator[datetime]:
        """Give the times that cron names, by a clock that is never put forward or back."""
        # Cronsim leaves out the time it starts from, and the midnight that opens the day is to be among the ticks.
        midnight = datetime.combine(first, time())
        start = midnight - A_SECOND if way == FORWARD else midnight + A_DAY
        return CronSim(self._expression, start, reverse=way == BACK)

    def _instants(self, moment: datetime) -> tuple[int, ...]:
        return times_shown(moment, self._zone) if self._intervals else (wall(moment, self._zone),)


def _stay(day: date) -> date:
    return day


def _if_nth(nth: Callable[[int, int, int], date | None], number: int, day: date) -> date | None:
    return day if nth(day.year, day.month, number) == day else None


@lru_cache(maxsize=10_000)
def timetable(due: Due, timezone: str) -> Timetable:
    """Give the timetable of a ``Due``; the same one each time, so that it is worked out once for many datasets."""
    return Timetable(due, timezone)


def end_of(calendar: Calendar | None, timezone: str) -> int | None:
    """Give the instant from which on a calendar says nothing; None if it has no end."""
    if calendar is None or calendar.valid_until is None:
        return None
    return wall(datetime.combine(calendar.valid_until + A_DAY, time()), zone(timezone))
