"""Which partition an update wrote, as the local time (without a zone) at which the partition begins."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

from lineage.instants import NAIVE_EPOCH
from lineage.runs import Update
from triggers.calendars import Calendar
from triggers.model import Grain, KeySource, Partition
from triggers.zones import local, wall, zone

PARTS = {Grain.MONTH: 2, Grain.DAY: 3, Grain.WEEK: 3, Grain.HOUR: 4}
"""How much of year, month, day and hour must be known to tell a partition of this grain."""

LENGTHS = {Grain.HOUR: timedelta(hours=1), Grain.DAY: timedelta(days=1), Grain.WEEK: timedelta(weeks=1)}

_HIVE = re.compile(
    r"\byear=(\d{4})/month=(\d{1,2})(?:/day=(\d{1,2})(?:/(?:hour|hr|h)=(\d{1,2}))?)?",
    re.ASCII | re.IGNORECASE,
)
_DATE = re.compile(
    r"(?<!\d)(\d{4})-(\d\d)(?:-(\d\d)(?:[T ](\d\d)|[^,]*?/(?:hour|hr|h)=(\d{1,2}))?)?(?!\d)",
    re.ASCII | re.IGNORECASE,
)
_DIGITS = re.compile(
    r"(?<!\d)((?:19|20)\d\d)(\d\d)(\d\d)(?!\d)(?:[^,]*?/(?:hour|hr|h)=(\d{1,2}))?", re.ASCII | re.IGNORECASE
)


def key_of(update: Update, partition: Partition, timezone: str) -> datetime | None:
    """Give the partition that an update wrote; None if it does not say. Of several, the newest."""
    for source in partition.sources:
        if source is KeySource.SUBSET and update.partition is not None:
            keys = [key for text in update.partition.split(",") if (key := read(text, partition.grain))]
            if keys:
                return max(keys)
        if source is KeySource.NOMINAL and update.nominal_at is not None:
            return cut_at(update.nominal_at, partition, timezone)
    return None


def cut_at(at: int, partition: Partition, timezone: str) -> datetime:
    """Give the partition in which an instant lies."""
    return cut(local(at, zone(partition.timezone or timezone)).replace(tzinfo=None), partition.grain)


def read(text: str, grain: Grain) -> datetime | None:
    """Read a partition's own words (``dt=2026-11-22/hr=02``, ``20261122``, ``year=2026/month=11``) for its time.

    None where there is none, or one that is coarser than the grain.
    """
    for pattern in (_HIVE, _DATE, _DIGITS):
        found = pattern.search(text)
        if found is None:
            continue
        parts = [int(part) for part in found.groups() if part]
        if len(parts) < PARTS[grain]:
            continue
        year, month, day, hour = parts + [1, 0][len(parts) - 2 :]
        try:
            return cut(NAIVE_EPOCH.replace(year, month, day, hour), grain)
        except ValueError:
            continue
    return None


def cut(moment: datetime, grain: Grain) -> datetime:
    """Give the beginning of the hour, day, week (Monday) or month."""
    if grain is Grain.HOUR:
        return moment.replace(minute=0, second=0, microsecond=0)
    midnight = datetime.combine(moment, time())
    if grain is Grain.WEEK:
        return midnight - timedelta(days=moment.weekday())
    return midnight.replace(day=1) if grain is Grain.MONTH else midnight


def shift(key: datetime, grains: int, grain: Grain) -> datetime:
    """Move to the partition so many grains later."""
    if grain is Grain.MONTH:
        month = key.year * 12 + key.month - 1 + grains
        return key.replace(year=month // 12, month=month % 12 + 1)
    return key + grains * LENGTHS[grain]


def wanted_by(release: int, partition: Partition, calendar: Calendar | None, timezone: str) -> datetime:
    """Give the partition that a release needs; later ones do as well."""
    here = cut(local(release, zone(timezone)).replace(tzinfo=None), partition.grain)
    return _moved(here, partition.offset, partition, calendar)


def reach_of(key: datetime, partition: Partition, calendar: Calendar | None, timezone: str) -> int:
    """Give the first instant whose release needs a later partition than this one."""
    return wall(_moved(key, 1 - partition.offset, partition, calendar), zone(timezone))


def _moved(key: datetime, grains: int, partition: Partition, calendar: Calendar | None) -> datetime:
    if partition.in_working_days and calendar is not None:
        return datetime.combine(calendar.endless().shift(key.date(), grains), time())
    return shift(key, grains, partition.grain)
