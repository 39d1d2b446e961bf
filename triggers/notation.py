"""How rules write durations, days, hours and moments.

Each function raises RuleError for what it cannot read. What many rules have in common is read once.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from lineage.instants import DAY, LONGEST, NAIVE_EPOCH, parse_duration, parse_instant
from triggers.calendars import DateRange
from triggers.errors import RuleError
from triggers.model import DAY_MINUTES, Grain, Window
from triggers.zones import wall, zone

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

EVERY_DAY = frozenset(range(7))

UNITS = {"s": 1_000_000, "m": 60_000_000, "h": DAY // 24, "d": DAY, "w": 7 * DAY}

GRAINS = {Grain.HOUR: "h", Grain.DAY: "d", Grain.WEEK: "w", Grain.MONTH: "mo"}
"""The unit in which partitions are counted."""

_PARTS = re.compile(r"(?:\d{1,9}[smhdw])+", re.ASCII)
_PART = re.compile(r"(\d+)([smhdw])", re.ASCII)
_CLOCK = re.compile(r"([01]\d|2[0-4]):([0-5]\d)", re.ASCII)
_OFFSET = re.compile(r"([+-]?\d{1,6})(h|d|w|mo)?", re.ASCII)


@lru_cache(maxsize=4096)
def duration(text: str) -> int:
    """Read ``90s``, ``15m``, ``2h``, ``1d``, ``1w``, ``1h30m``, or ISO 8601 (``PT2H``), in µs.

    A day is 24 hours, also where clocks are put back.
    """
    if _PARTS.fullmatch(text):
        length = sum(int(number) * UNITS[unit] for number, unit in _PART.findall(text))
        if length > LONGEST:
            raise RuleError(f"longer than a hundred years: {text!r}")
        return length
    try:
        return parse_duration(text)
    except ValueError as error:
        raise RuleError(f"no duration: {text[:64]!r}; write 90s, 15m, 2h, 1d, 1w or PT2H") from error


@lru_cache(maxsize=1024)
def weekdays(text: str) -> frozenset[int]:
    """Read ``mon-fri``, ``sat,sun`` or ``fri-mon`` as numbers of days: Monday is 0."""
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = (each.strip().lower() for each in part.partition("-"))
        if first not in DAYS or (dash and last not in DAYS):
            raise RuleError(f"no days of the week: {text!r}; write mon-fri or sat,sun")
        start, end = DAYS.index(first), DAYS.index(last) if dash else DAYS.index(first)
        found.update(day % 7 for day in range(start, end + 1 if start <= end else end + 8))
    return frozenset(found)


@lru_cache(maxsize=4096)
def time_of_day(text: str) -> time:
    """Read ``07:00``."""
    minutes = _minutes(text)
    if minutes == DAY_MINUTES:
        raise RuleError("24:00 is 00:00 of the next day; write that")
    return time(*divmod(minutes, 60))


def windows(days: frozenset[int], times: tuple[str, ...]) -> tuple[Window, ...]:
    """Read hours such as ``07:00-20:00`` of some days; ``22:00-04:00`` ends on the day after each."""
    return tuple(window for text in times for window in _window(days, text)) or (Window(days),)


@lru_cache(maxsize=4096)
def _window(days: frozenset[int], text: str) -> tuple[Window, ...]:
    first, dash, last = (part.strip() for part in text.partition("-"))
    if not dash:
        raise RuleError(f"no hours: {text!r}; write 07:00-20:00")
    start, end = _minutes(first), _minutes(last)
    if start in (DAY_MINUTES, end):
        raise RuleError(f"no time lies in {text!r}")
    if start < end:
        return (Window(days, start, end),)
    before = Window(days, start, DAY_MINUTES)
    return (before, Window(frozenset((day + 1) % 7 for day in days), 0, end)) if end else (before,)


def _minutes(text: str) -> int:
    found = _CLOCK.fullmatch(text)
    minutes = int(found[1]) * 60 + int(found[2]) if found else DAY_MINUTES + 1
    if minutes > DAY_MINUTES:
        raise RuleError(f"no time of day: {text[:64]!r}; write 07:00")
    return minutes


def moment(text: str, timezone: str) -> int:
    """Read a date (its midnight) or a time, by the clock of a time zone unless it has an offset, in µs UTC.

    A time that is left out when clocks go forward means the moment right after, one that comes twice the first.
    """
    try:
        instant, naive = parse_instant(text)
        if not naive:
            return instant
        # What a naive time reads as is what clocks show; they show it in whole minutes.
        shown = NAIVE_EPOCH + timedelta(minutes=instant // UNITS["m"])
        return wall(shown, zone(timezone))
    except ValueError as error:
        if isinstance(error, RuleError):
            raise
        raise RuleError(f"no time: {text[:64]!r}; write 2026-12-05T22:00, with or without +01:00") from error


def day(text: str) -> date:
    """Read ``2026-12-24``."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  # a day of a calendar has no zone
    except ValueError as error:
        raise RuleError(f"no day: {text[:64]!r}; write 2026-12-24") from error


def days(first: str, last: str) -> DateRange:
    """Read the days from the first to the last."""
    return DateRange(day(first), day(last))


def offset(given: str | int, grain: Grain) -> int:
    """Read how many partitions later: -1, or ``-1d`` of daily ones."""
    if isinstance(given, int):
        return given
    found, unit = _OFFSET.fullmatch(given), GRAINS[grain]
    if found is None or found[2] not in (None, unit):
        raise RuleError(f"partitions of one {grain.value} are moved by -1{unit}, not by {given[:64]!r}")
    return int(found[1])
