"""How much has come in: events by their kind, and jobs and datasets as they became known, quarter hour by quarter hour.

A quarter of an hour is what every time zone is a multiple of, so days of any zone are sums of these.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate

from sqlalchemy import ColumnElement, Connection, func, literal_column, select, union_all

from collector.storage.event_reads import seen
from collector.storage.tables import dataset, edge, event, facet, job
from collector.storage.visibility import Visible, within

QUARTER = 900_000_000
"""µs."""


def count_events(conn: Connection, bounds: Sequence[int], visible: Visible) -> list[Counter[str]]:
    """Count the RunEvents between each two of ``bounds`` (rising; µs UTC at quarter hours) by type, in capitals."""
    quarter = _quarter(event.c.event_time)
    statement = select(quarter, event.c.event_type, func.count()).where(
        event.c.event_time >= bounds[0], event.c.event_time < bounds[-1], event.c.kind == "run"
    )
    if visible is not None:
        statement = statement.where(seen(visible))
    counts: list[Counter[str]] = [Counter() for _ in bounds[1:]]
    for at, kind, number in conn.execute(statement.group_by(quarter, event.c.event_type)):
        counts[bisect_right(bounds, at) - 1][(kind or "").upper()] += number
    return counts


def count_jobs(conn: Connection, bounds: Sequence[int], visible: Visible) -> list[int]:
    """Count the jobs known at the end of each stretch between two of ``bounds``."""
    # Those known as somebody's parent only have no time of their own.
    quarter = _quarter(func.coalesce(job.c.first_seen_at, literal_column("0")))
    shown = (job.c.dataset_id.is_(None), within(job.c.namespace_id, visible))
    statement = select(quarter, func.count()).where(*shown).group_by(quarter)
    return _running_total(bounds, [(row[0], row[1]) for row in conn.execute(statement)])


def count_datasets(conn: Connection, bounds: Sequence[int], visible: Visible) -> list[int]:
    """Count the datasets known at the end of each stretch between two of ``bounds``.

    One becomes known with its first edge, or else with the first event that is about it alone.
    """
    shown = (
        dataset.c.job_id.is_(None),
        dataset.c.artificial.is_(False),
        within(dataset.c.namespace_id, visible),
    )
    total = conn.execute(select(func.count()).select_from(dataset).where(*shown)).scalar_one()
    new = [(first, 1) for first in _lately(conn, bounds[0], shown)]
    return _running_total(bounds, [(bounds[0] - 1, total - len(new)), *new])


def _lately(conn: Connection, since: int, shown: Sequence[ColumnElement[bool]]) -> list[int]:
    """Give when each of those datasets became known that did since then; the rest is not looked at one by one."""
    candidates = union_all(
        select(edge.c.dataset_id).where(edge.c.valid_from >= since),
        select(event.c.entity_id).where(event.c.event_time >= since, event.c.kind == "dataset"),
    )
    first_edge = select(func.min(edge.c.valid_from)).where(edge.c.dataset_id == dataset.c.id)
    first_facet = select(func.min(facet.c.first_seen_at)).where(facet.c.owner_id == dataset.c.id)
    firsts = (query.correlate(dataset).scalar_subquery() for query in (first_edge, first_facet))
    rows = conn.execute(select(*firsts).where(dataset.c.id.in_(candidates), *shown))
    times = (min((time for time in row if time is not None), default=since) for row in rows)
    return [time for time in times if time >= since]


def _quarter(column: ColumnElement[int]) -> ColumnElement[int]:
    # Whole numbers divide downwards in both databases, and a constant may stand in GROUP BY as well.
    size: ColumnElement[int] = literal_column(str(QUARTER))
    return (column - column % size).label("quarter")


def _running_total(bounds: Sequence[int], found: Iterable[tuple[int, int]]) -> list[int]:
    """Give, for each stretch, how many of ``found`` (time, number) are before its end."""
    totals = [0] * (len(bounds) - 1)
    for at, number in found:
        place = bisect_right(bounds, at) - 1
        if place < len(totals):
            totals[max(place, 0)] += number
    return list(accumulate(totals))
