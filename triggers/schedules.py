"""By when a join is to be complete, and when its time is over."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from lineage.instants import parse_instant
from triggers.arrivals import key_start, ticks
from triggers.calendars import Calendar
from triggers.conditions import Mode, Then, Trigger
from triggers.partitions import shift
from triggers.zones import local, wall, zone

A_DAY = timedelta(days=1)

LONGEST_HOLIDAY = 400
"""Days among which a working day is looked for."""


def starts_at(trigger: Trigger, key: str) -> int:
    """Give from when on what comes belongs to an epoch (µs UTC)."""
    return parse_instant(key)[0] - trigger.join.tolerance


def ends_at(trigger: Trigger, key: str) -> int | None:
    """Give when what comes belongs to the next epoch (µs UTC); None: the join is none of an epoch."""
    if trigger.join.mode is not Mode.EPOCH:
        return None
    coming = ticks(trigger).after(parse_instant(key)[0])
    return None if coming is None else coming - trigger.join.tolerance


def deadline_of(trigger: Trigger, key: str, begun_at: int | None) -> int | None:
    """Give by when a join is to be complete (µs UTC); None: there is no such time, or it has not begun."""
    deadline = trigger.deadline
    if deadline is None:
        return None
    since = begun_at
    if trigger.join.mode is Mode.EPOCH:
        since = parse_instant(key)[0]
    elif trigger.join.keys is not None and deadline.at is not None and begun_at is not None:
        end = shift(key_start(key, trigger.join.keys.grain), 1, trigger.join.keys.grain)
        # A partition that comes when that has long passed, as in a backfill, has until the next such time.
        since = max(wall(end, zone(trigger.timezone)), begun_at)
    if since is None:
        return None
    if deadline.after is not None:
        return since + deadline.after
    return None if deadline.at is None else _first(deadline.at, deadline.calendar, trigger.timezone, since)


def gives_up_at(trigger: Trigger, key: str, begun_at: int | None) -> int | None:
    """Give when the first of what has come is given up if the join stays incomplete (µs UTC); None: never."""
    join, deadline = trigger.join, trigger.deadline
    age = join.expire if join.within is None else join.within
    ends = [ends_at(trigger, key), None if age is None or begun_at is None else begun_at + age]
    if deadline is not None and deadline.then is Then.DROP:
        ends.append(deadline_of(trigger, key, begun_at))
    return min((each for each in ends if each is not None), default=None)


def _first(at: time, calendar: Calendar | None, timezone: str, since: int) -> int | None:
    """Give the first instant from ``since`` on at which it is that time, of a working day."""
    own = zone(timezone)
    day: date = local(since, own).date()
    for _ in range(LONGEST_HOLIDAY):
        moment = wall(datetime.combine(day, at), own)
        if moment >= since and (calendar is None or calendar.endless().is_working(day)):
            return moment
        day += A_DAY
    return None
