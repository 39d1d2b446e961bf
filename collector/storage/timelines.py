"""The validity of edges in the database: applies ``lineage.edges`` to the jobs that a batch of events touched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, LargeBinary, Row, func, literal, or_, select, tuple_

from collector.storage import upsert
from collector.storage.selects import chunks, run_uses, runs_of
from collector.storage.tables import edge, run
from lineage.edges import Interval, Late, Showing, Timeline, rewalk, showing
from lineage.model import Direction, JobPoint, Point

PIECE = 500
"""Runs read at a time when a line of runs is walked again."""

CACHED_JOBS = 50_000
"""Jobs whose open edges are kept in memory; some 1 KB each."""

END_OF_INSTANT = b"\xff" * 16
"""A run key after all others: the place is known to its instant only, and taken for the last in it."""

LONG_AGO = -(2**63)

NO_RUN = 0
"""``opened_by`` of an edge that holds by definition, between a job and a point beside it; no run opens or closes it."""


@dataclass(slots=True)
class Touched:
    """A run that a batch changed: what it said about edges before (None: it is new) and what it says now."""

    job_id: int
    before: Showing | None
    now: Showing


LateJobs = dict[int, tuple[int, int]]
"""Job id -> (start, until): the instants between which its line of runs has changed before its end."""


class Timelines:
    """Opens and closes edges. Keeps what it has read of a job: its caller must be the only writer of ``edge``."""

    def __init__(self) -> None:
        self._cache: dict[int, Timeline] = {}

    def forget(self) -> None:
        """Drop what is kept in memory: the transaction failed, or somebody else has written."""
        self._cache.clear()

    def load(self, conn: Connection, job_ids: Iterable[int]) -> None:
        """Read the timelines of jobs; to be called before the batch's runs are written."""
        if len(self._cache) > CACHED_JOBS:
            self._cache.clear()
        missing = [job_id for job_id in job_ids if job_id not in self._cache]
        for part in chunks(missing):
            ends = {
                job_id: max(value for value in (opened, closed, LONG_AGO) if value is not None)
                for job_id, opened, closed in conn.execute(
                    select(edge.c.job_id, func.max(edge.c.valid_from), func.max(edge.c.valid_to))
                    .where(edge.c.job_id.in_(part), edge.c.opened_by != NO_RUN)
                    .group_by(edge.c.job_id)
                )
            }
            lasts: dict[int, int | None] = {
                row.job_id: row.at
                for row in conn.execute(
                    select(run.c.job_id, func.max(run.c.first_event_at).label("at"))
                    .where(run.c.job_id.in_(part))
                    .group_by(run.c.job_id)
                )
            }
            for job_id in part:
                last, boundary = lasts.get(job_id), ends.get(job_id, LONG_AGO)
                self._cache[job_id] = Timeline(
                    {},
                    (LONG_AGO if last is None else last, END_OF_INSTANT),
                    (boundary, END_OF_INSTANT),
                )
            if ends:
                for row in conn.execute(
                    select(edge).where(
                        edge.c.job_id.in_(part), edge.c.valid_to.is_(None), edge.c.opened_by != NO_RUN
                    )
                ):
                    interval = _interval(row)
                    self._cache[row.job_id].current[interval.key] = interval

    def advance(self, touched: Iterable[Touched]) -> tuple[list[tuple[Any, ...]], LateJobs]:
        """Give the rows of ``edge`` that the batch changes, and the jobs that must be walked again after it."""
        rows: dict[tuple[int, ...], tuple[Any, ...]] = {}
        late: LateJobs = {}
        for entry in sorted(touched, key=lambda entry: entry.now.place):
            try:
                if entry.job_id in late:
                    raise Late
                changes = self._cache[entry.job_id].advance(entry.before, entry.now)
            except Late:
                places = [says.place[0] for says in (entry.before, entry.now) if says is not None]
                start, until = late.get(entry.job_id, (places[0], places[0]))
                late[entry.job_id] = (min(start, *places), max(until, *places))
                continue
            for interval in (*changes.opened, *changes.closed):
                row = _row(entry.job_id, interval)
                rows[row[:4]] = row
        for job_id in late:
            del self._cache[job_id]
        return list(rows.values()), late

    def rewalk(self, conn: Connection, late: LateJobs) -> None:
        """Walk the lines of late jobs again, in a writing transaction in which their runs are written already."""
        for job_id, (start, until) in late.items():
            since = or_(edge.c.valid_to.is_(None), edge.c.valid_to >= start)
            wanted = select(edge).where(edge.c.job_id == job_id, edge.c.opened_by != NO_RUN, since)
            held = [_interval(row) for row in conn.execute(wanted)]
            changes = rewalk(held, _line(conn, job_id, start), start, until)
            gone, put = ([_row(job_id, i) for i in intervals] for intervals in (changes.gone, changes.put))
            upsert.delete_rows(conn, edge, [row[:4] for row in gone])
            upsert.write_rows(conn, edge, upsert.names(edge), put, upsert.replace(edge))


def standing_edge(point: JobPoint) -> tuple[Any, ...]:
    """Give the row of the edge between a point and its job: a job writes what is after it, reads what is before."""
    direction = Direction.OUTPUT if point.point is Point.AFTER else Direction.INPUT
    return point.job.id, point.id, int(direction), LONG_AGO, None, None, False, NO_RUN, None


def _row(job_id: int, i: Interval) -> tuple[Any, ...]:
    return (
        job_id,
        i.dataset_id,
        i.direction,
        i.valid_from,
        i.valid_to,
        i.derivation_id,
        i.implied,
        i.opened_by,
        i.closed_by,
    )


def _interval(row: Row[Any]) -> Interval:
    return Interval(
        row.dataset_id,
        row.direction,
        row.valid_from,
        row.derivation_id,
        row.implied,
        row.opened_by,
        row.valid_to,
        row.closed_by,
    )


def _line(conn: Connection, job_id: int, start: int) -> Iterator[Sequence[Showing]]:
    """Read the runs of a job from an instant on, in pieces that do not part the runs of one instant."""
    after = (start, b"")
    while True:
        rows = runs_of(
            conn,
            run.c.job_id == job_id,
            run.c.first_event_at.is_not(None),
            tuple_(run.c.first_event_at, run.c.key)
            > tuple_(literal(after[0], BigInteger), literal(after[1], LargeBinary)),
            order_by=(run.c.first_event_at, run.c.key),
            limit=PIECE,
        )
        if not rows:
            return
        if len(rows) == PIECE:
            rows += runs_of(
                conn,
                run.c.job_id == job_id,
                run.c.first_event_at == rows[-1].first_event_at,
                run.c.key > rows[-1].key,
                order_by=(run.c.key,),
            )
        uses = run_uses(conn, [found.id for found in rows])
        yield [showing(found, uses.get(found.id, {})) for found in rows]
        after = (rows[-1].first_event_at or 0, rows[-1].key)
