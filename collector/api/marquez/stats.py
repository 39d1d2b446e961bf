"""``/stats``: how much came in, hour by hour of a day or day by day of a week."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from flask import Response, request
from sqlalchemy import Connection

from collector.api.access import visible
from collector.api.marquez.parameters import one_of
from collector.api.marquez.routing import Routes
from collector.api.services import reading
from collector.storage.activity import count_datasets, count_events, count_jobs
from collector.storage.sources import sources
from collector.storage.visibility import Visible
from collector.times import EPOCH, iso, now_us

routes = Routes()

PERIODS: Final = ("DAY", "WEEK")
HOURS: Final = 24
DAYS: Final = 7

KINDS: Final = {"fail": "FAIL", "start": "START", "complete": "COMPLETE", "abort": "ABORT"}

Count = Callable[[Connection, Sequence[int], Visible], Sequence[int]]


@routes.get("/stats/lineage-events")
def lineage_events() -> object:
    """Count the events of runs by what they say."""
    period = _period()
    if period == "WEEK" and not request.args.get("timezone"):
        return _refused("Timezone must be specified for period 'WEEK'")
    if period is None:
        return _refused("Invalid period")
    bounds = stretches(period, _zone(), now_us())
    with reading() as conn:
        counts = count_events(conn, bounds, visible(conn))
    return [
        {**interval, **{name: count[kind] for name, kind in KINDS.items()}}
        for interval, count in zip(_intervals(bounds), counts, strict=True)
    ]


@routes.get("/stats/jobs")
def jobs() -> object:
    """Count the jobs known by then."""
    return _totals(count_jobs)


@routes.get("/stats/datasets")
def datasets() -> object:
    """Count the datasets known by then."""
    return _totals(count_datasets)


@routes.get("/stats/sources")
def data_sources() -> object:
    """Count the data sources known by then."""

    def count(conn: Connection, bounds: Sequence[int], seen: Visible) -> list[int]:
        found = [source.created_at for source in sources(conn, seen)]
        return [sum(at < end for at in found) for end in bounds[1:]]

    return _totals(count)


def stretches(period: str, zone: tzinfo, now: int) -> list[int]:
    """Give the bounds of the last 24 hours, or of the last seven days of a time zone, that of ``now`` included."""
    at = (EPOCH + timedelta(microseconds=now)).astimezone(UTC if period == "DAY" else zone)
    if period == "DAY":
        last = at.replace(minute=0, second=0, microsecond=0)
        starts = [last + timedelta(hours=number - HOURS + 1) for number in range(HOURS + 1)]
    else:
        # Days by the calendar: one in spring has 23 hours.
        starts = [
            datetime(at.year, at.month, at.day, tzinfo=zone) + timedelta(days=number - DAYS + 1)
            for number in range(DAYS + 1)
        ]
    return [(start - EPOCH) // timedelta(microseconds=1) for start in starts]


def _totals(count: Count) -> object:
    period = _period()
    if period is None:
        return _refused("Invalid period")
    bounds = stretches(period, _zone(), now_us())
    with reading() as conn:
        totals = count(conn, bounds, visible(conn))
    return [{**interval, "count": total} for interval, total in zip(_intervals(bounds), totals, strict=True)]


def _intervals(bounds: Sequence[int]) -> list[dict[str, str | None]]:
    return [{"startInterval": iso(start), "endInterval": iso(end)} for start, end in pairwise(bounds)]


def _period() -> str | None:
    value = request.args.get("period")
    return one_of("period", PERIODS, value) if value else None


def _zone() -> tzinfo:
    name = request.args.get("timezone") or "UTC"
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # A browser may know a zone that this machine does not; the days of another are better than none.
        return UTC


def _refused(words: str) -> Response:
    return Response(words, 400, mimetype="text/plain")
