"""Between instants (µs since 1970-01-01 UTC) and what clocks on the wall show."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from lineage.instants import DAY, EARLIEST, EPOCH, LATEST
from triggers.errors import RuleError

MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)


@cache
def zone(name: str) -> ZoneInfo:
    """Give a time zone by its IANA name. Raises RuleError for a name that there is not."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        raise RuleError(f"unknown time zone: {name!r}") from error


def local(at: int, timezone: ZoneInfo) -> datetime:
    """Give the local time at an instant. The first and last day of the calendar are cut off: no zone has them all."""
    within = min(max(at, EARLIEST + DAY), LATEST - DAY)
    return (EPOCH + timedelta(microseconds=within)).astimezone(timezone)


def instant(moment: datetime) -> int:
    """Give the instant of a time with a zone."""
    return (moment - EPOCH) // MICROSECOND


def wall(moment: datetime, timezone: ZoneInfo) -> int:
    """Give the instant at which clocks show this time (without a zone, in whole minutes).

    Cron's rule: a time that is left out when clocks go forward means the moment right after the gap, and one that
    comes twice means the first.
    """
    while True:
        aware = moment.replace(tzinfo=timezone, fold=0)
        at = instant(aware)
        if local(at, timezone).replace(tzinfo=None) == moment:
            return at
        moment += MINUTE


def times_shown(moment: datetime, timezone: ZoneInfo) -> tuple[int, ...]:
    """Give every instant at which clocks show this time: one, or none in a gap, or two when they are put back."""
    found = {instant(moment.replace(tzinfo=timezone, fold=fold)) for fold in (0, 1)}
    return tuple(sorted(at for at in found if local(at, timezone).replace(tzinfo=None) == moment))
