"""Reading and writing instants: ISO 8601 outside, inside integer microseconds since 1970-01-01 UTC.

Emitters leave out the offset, write nanoseconds, ``24:00:00``, leap seconds and lower-case ``t`` and ``z``.
All of it is read; what names no moment between the years 1 and 9999 is a ValueError.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import overload

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAIVE_EPOCH = EPOCH.replace(tzinfo=None)
DAY = 86_400_000_000

# An offset can push a moment of the first or last day out of the years that a datetime can hold.
EARLIEST = (datetime(1, 1, 1, tzinfo=UTC) - EPOCH).days * DAY
LATEST = (datetime(9999, 12, 31, tzinfo=UTC) - EPOCH).days * DAY + DAY - 1

_LENIENT = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)"
    r"(?:[Tt ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?"
    r"(?:([Zz])|([+-])(\d\d)(?::?(\d\d))?)?)?",
    re.ASCII,
)


def parse_instant(text: str) -> tuple[int, bool]:
    """Give the instant in microseconds since 1970-01-01 UTC, and whether it was naive: had no offset.

    A naive time is taken as UTC, a date alone as its midnight. Digits beyond microseconds are cut, not
    rounded, so that an instant never moves into the next second. A leap second is the last microsecond of its
    minute. Raises ValueError for everything else.
    """
    # fromisoformat takes any character between date and time, and stops at a NUL; we do neither.
    if text[10:11] in ("T", " ", "") and "\0" not in text:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = _lenient(text)
    else:
        moment = _lenient(text)
    naive = moment.tzinfo is None
    since = moment - (NAIVE_EPOCH if naive else EPOCH)
    instant = since.days * DAY + since.seconds * 1_000_000 + since.microseconds
    if not EARLIEST <= instant <= LATEST:
        raise ValueError(f"outside the years 1 to 9999: {text!r}")
    return instant, naive


LONGEST = 36_525 * DAY

_DURATION = re.compile(r"P(?:(\d+)W|(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?)", re.ASCII)


def parse_duration(text: str) -> int:
    """Give an ISO 8601 duration in microseconds: weeks, or days, hours, minutes and seconds in whole numbers.

    Raises ValueError for anything else: years and months too, which have no fixed length; nothing at all (``P``);
    and more than a hundred years.
    """
    found = _DURATION.fullmatch(text) if len(text) < 64 else None
    if found is None or not any(found.groups()):
        raise ValueError(f"not an ISO 8601 duration: {text[:64]!r}")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    duration = (weeks * 7 + days) * DAY + ((hours * 60 + minutes) * 60 + seconds) * 1_000_000
    if duration > LONGEST:
        raise ValueError(f"longer than a hundred years: {text!r}")
    return duration


def _lenient(text: str) -> datetime:
    found = _LENIENT.fullmatch(text)
    if found is None:
        raise ValueError(f"not an ISO 8601 instant: {text[:64]!r}")
    year, month, day, hour, minute, second, fraction, zulu, sign, offset_hours, offset_minutes = found.groups(
        ""
    )
    microseconds = int((fraction + "000000")[:6])
    if second == "60":
        second, microseconds = "59", 999_999
    end_of_day = hour == "24" and not int(minute or 0) and not int(second or 0) and not int(fraction or 0)
    zone = None
    if zulu:
        zone = UTC
    elif sign:
        offset = timedelta(hours=int(offset_hours), minutes=_under(60, offset_minutes or "0"))
        zone = timezone(-offset if sign == "-" else offset)
    moment = datetime(
        int(year),
        int(month),
        int(day),
        0 if end_of_day else int(hour or 0),
        int(minute or 0),
        int(second or 0),
        microseconds,
        zone,
    )
    try:
        return moment + timedelta(days=1) if end_of_day else moment
    except OverflowError as error:
        raise ValueError(f"outside the years 1 to 9999: {text!r}") from error


def _under(limit: int, digits: str) -> int:
    number = int(digits)
    if number >= limit:
        raise ValueError(f"{digits} is not below {limit}")
    return number


@overload
def iso(instant: int) -> str: ...


@overload
def iso(instant: None) -> None: ...


@overload
def iso(instant: int | None) -> str | None: ...


def iso(instant: int | None) -> str | None:
    """Write an instant as ``2026-11-22T05:00:02.000000Z``; None stays None."""
    if instant is None:
        return None
    # A long list has thousands of them, most of few minutes.
    minute, rest = divmod(instant, 60_000_000)
    seconds, fraction = divmod(rest, 1_000_000)
    return f"{_minute(minute)}:{seconds:02}.{fraction:06}Z"


@lru_cache(maxsize=4096)
def _minute(number: int) -> str:
    # Not strftime: it writes the year 999 with three digits.
    return (EPOCH + timedelta(minutes=number)).isoformat(timespec="minutes")[:-6]
