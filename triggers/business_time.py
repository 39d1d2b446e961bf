"""Arithmetic with time that counts: opening hours by the clock on the wall, in real elapsed µs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import count
from typing import NamedTuple

from triggers.errors import RuleError
from triggers.model import BusinessTime, Window
from triggers.zones import local, wall, zone

EVERY_DAY = Window(frozenset(range(7)))

LONGEST_BREAK = 400
"""Days without a moment that counts after which there is taken to be none at all: more than a year."""


class Span(NamedTuple):
    """From ``start`` until before ``end``."""

    start: int
    end: int


def add(time_: BusinessTime, timezone: str, at: int, duration: int) -> int:
    """Give the first moment that counts with this much time that counts between ``at`` and itself."""
    for span in _spans(time_, timezone, at):
        start = max(span.start, at)
        if span.end - start > duration:
            return start + duration
        duration -= span.end - start
    raise AssertionError("there are always more spans")


def between(time_: BusinessTime, timezone: str, start: int, end: int) -> int:
    """Give how much time that counts lies between two instants, the first of them the earlier."""
    total = 0
    for span in _spans(time_, timezone, start):
        if span.start >= end:
            break
        total += min(span.end, end) - max(span.start, start)
    return total


def _spans(time_: BusinessTime, timezone: str, at: int) -> Iterator[Span]:
    """Give the spans that end after an instant, without end. Raises RuleError when none comes for too long."""
    first = local(at, zone(timezone)).date()
    last = 0
    for n in count():
        for span in open_on(time_, timezone, first + timedelta(days=n)):
            if span.end > at:
                last = n
                yield span
        if n - last > LONGEST_BREAK:
            raise RuleError(f"no time counts for a year after {first}")


@lru_cache(maxsize=65_536)
def open_on(time_: BusinessTime, timezone: str, day: date) -> tuple[Span, ...]:
    """Give the spans of a day that count, in order and apart. Raises CalendarExpired past the calendar's end."""
    if time_.calendar is not None and not time_.calendar.is_working(day):
        return ()
    midnight = datetime.combine(day, time())
    spans: list[Span] = []
    for window in sorted(time_.windows or (EVERY_DAY,), key=lambda window: (window.start, window.end)):
        if day.weekday() not in window.days:
            continue
        start, end = (
            wall(midnight + timedelta(minutes=minute), zone(timezone))
            for minute in (window.start, window.end)
        )
        if spans and start <= spans[-1].end:
            spans[-1] = Span(spans[-1].start, max(end, spans[-1].end))
        elif start < end:
            spans.append(Span(start, end))
    return tuple(spans)
