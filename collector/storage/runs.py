"""Runs: listing and looking up, what one read and wrote, and the rows that other lists show of them.

Declarations (what JobEvents and DatasetEvents say) take places among the runs in the tables, but are none: nothing
here shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from collector.storage.catalog import Named, names_of
from collector.storage.pages import Key, Page, cut, ordered
from collector.storage.tables import dataset, job, namespace, run, run_io
from collector.storage.visibility import Visible, within
from lineage.model import Direction, entity_id, run_key


@dataclass(frozen=True, slots=True)
class RunFilter:
    """What to list; a job's name needs its namespace. Times are of the run's first event, ``until`` is exclusive."""

    job_namespace: str | None = None
    job_name: str | None = None
    state: str | None = None
    since: int | None = None
    until: int | None = None
    parent_run_id: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class RunLink:
    """A run as others point at it; ``job`` is None where nobody has said which job it is of."""

    run_id: str
    job: Named | None


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run. ``state`` None: known only because another run named it as its parent."""

    id: int
    run_id: str
    job: Named
    state: str | None
    first_event_at: int | None
    last_event_at: int | None
    started_at: int | None
    running_at: int | None
    ended_at: int | None
    nominal_start_at: int | None
    nominal_end_at: int | None
    processing_type: str | None
    error: str | None
    incomplete: bool
    parent: RunLink | None
    root: RunLink | None

    @property
    def duration(self) -> float | None:
        """Seconds from the first START to the end, never negative: clocks of two machines may have taken part."""
        if self.started_at is None or self.ended_at is None:
            return None
        return max(0, self.ended_at - self.started_at) / 1_000_000


@dataclass(frozen=True, slots=True)
class RunData:
    """One dataset that a run read or wrote."""

    dataset: Named
    direction: Direction
    rows: int | None
    bytes: int | None
    files: int | None
    version: str | None
    partition: str | None
    implied: bool
    artificial: bool


def list_runs(
    conn: Connection, wanted: RunFilter, *, visible: Visible, after: Key | None, limit: int
) -> Page[RunRow]:
    """List runs, the newest first: those of one job by their first event, all others by when they were first heard of.

    Of one job, runs of which no event has come are last.
    """
    statement = _runs().where(within(job.c.namespace_id, visible))
    if wanted.state is not None:
        statement = statement.where(run.c.state == wanted.state)
    if wanted.since is not None:
        statement = statement.where(run.c.first_event_at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(run.c.first_event_at < wanted.until)
    if wanted.parent_run_id is not None:
        statement = statement.where(run.c.parent_key == run_key(wanted.parent_run_id))
    if wanted.run_id is not None:
        statement = statement.where(run.c.key == run_key(wanted.run_id))
    if wanted.job_namespace is not None and wanted.job_name is not None:
        one_job = run.c.job_id == entity_id("job", wanted.job_namespace, wanted.job_name)
        rows = _timed_first(conn, statement.where(one_job), after, limit)
        page = cut(rows, limit, lambda row: (row.first_event_at, row.id))
    else:
        if wanted.job_namespace is not None:
            statement = statement.where(job.c.namespace_id == entity_id("namespace", wanted.job_namespace))
        rows = list(conn.execute(ordered(statement, (run.c.id,), after, limit, newest=True)))
        page = cut(rows, limit, lambda row: (row.id,))
    return Page(_shown(conn, page.items, visible), page.next)


def find_runs(
    conn: Connection, run_id: str, job_ref: tuple[str, str] | None, *, visible: Visible, limit: int
) -> list[RunRow]:
    """Give the runs with this runId, of one job if ``job_ref`` (namespace, name) is given: several may share it."""
    statement = _runs().where(run.c.key == run_key(run_id), within(job.c.namespace_id, visible))
    if job_ref is not None:
        statement = statement.where(run.c.job_id == entity_id("job", *job_ref))
    return _shown(conn, conn.execute(statement.order_by(run.c.id).limit(limit)).all(), visible)


def runs_by_id(conn: Connection, ids: Iterable[int], visible: Visible) -> dict[int, RunRow]:
    """Give runs by the id of their row; declarations and what the caller may not see are left out."""
    wanted = set(ids)
    if not wanted:
        return {}
    chosen = _runs().where(run.c.id.in_(wanted), within(job.c.namespace_id, visible))
    return {row.id: row for row in _shown(conn, conn.execute(chosen).all(), visible)}


def last_run_ids(conn: Connection, job_ids: Sequence[int]) -> dict[int, int]:
    """Give, for each of these jobs that has one, the id of the run that began last."""
    mine = (run.c.job_id == job.c.id, run.c.declared.is_(False), run.c.first_event_at.is_not(None))
    newest = select(run.c.id).where(*mine).order_by(run.c.first_event_at.desc(), run.c.id.desc()).limit(1)
    last = newest.correlate(job).scalar_subquery().label("run_id")
    rows = conn.execute(select(job.c.id, last).where(job.c.id.in_(job_ids)))
    return {row.id: row.run_id for row in rows if row.run_id is not None}


def run_data(conn: Connection, row_id: int, *, visible: Visible, limit: int) -> list[RunData]:
    """Give what a run read and wrote, by name; of more than ``limit`` datasets one over it."""
    names = select(run_io, dataset.c.id, dataset.c.name, namespace.c.name.label("namespace"))
    joined = names.join_from(run_io, dataset, dataset.c.id == run_io.c.dataset_id)
    joined = joined.join(namespace, namespace.c.id == dataset.c.namespace_id)
    mine = joined.where(
        run_io.c.run_id == row_id, dataset.c.job_id.is_(None), within(dataset.c.namespace_id, visible)
    )
    rows = conn.execute(mine.order_by(namespace.c.name, dataset.c.name, run_io.c.direction).limit(limit + 1))
    return [
        RunData(
            dataset=Named(row.dataset_id, row.namespace, row.name),
            direction=Direction(row.direction),
            rows=row.rows,
            bytes=row.bytes,
            files=row.files,
            version=row.version,
            partition=row.partition,
            implied=row.implied,
            artificial=row.artificial,
        )
        for row in rows
    ]


def count_children(conn: Connection, run_id: str, *, visible: Visible, limit: int) -> int:
    """Count the runs that name ``run_id`` as their parent and that the caller sees, up to ``limit``."""
    some = select(run.c.id).where(run.c.parent_key == run_key(run_id))
    if visible is not None:
        some = some.join(job, job.c.id == run.c.job_id).where(within(job.c.namespace_id, visible))
    return conn.execute(select(func.count()).select_from(some.limit(limit).subquery())).scalar_one()


def _runs() -> Select[Any]:
    columns = select(
        run, job.c.name.label("job_name"), job.c.namespace_id, namespace.c.name.label("job_namespace")
    )
    # Every run has a job. Outer joins keep SQLite from beginning with the few namespaces, and sorting all runs.
    joined = columns.outerjoin_from(run, job, job.c.id == run.c.job_id)
    return joined.outerjoin(namespace, namespace.c.id == job.c.namespace_id).where(run.c.declared.is_(False))


def _timed_first(conn: Connection, statement: Select[Any], after: Key | None, limit: int) -> list[Any]:
    # The two databases disagree on where NULL sorts, so rows without a time are asked for after the others.
    rows: list[Any] = []
    timed = after is None or after[0] is not None
    if timed:
        with_time = statement.where(run.c.first_event_at.is_not(None))
        rows += conn.execute(ordered(with_time, (run.c.first_event_at, run.c.id), after, limit, newest=True))
    if len(rows) <= limit:
        without = statement.where(run.c.first_event_at.is_(None))
        key = None if timed or after is None else after[1:]
        rows += conn.execute(ordered(without, (run.c.id,), key, limit - len(rows), newest=True))
    return rows


def _shown(conn: Connection, rows: Sequence[Any], visible: Visible) -> list[RunRow]:
    links = _links(conn, rows, visible)
    return [
        RunRow(
            id=row.id,
            run_id=row.run_id,
            job=Named(row.job_id, row.job_namespace, row.job_name),
            state=row.state,
            first_event_at=row.first_event_at,
            last_event_at=row.last_event_at,
            started_at=row.started_at,
            running_at=row.running_at,
            ended_at=row.ended_at,
            nominal_start_at=row.nominal_start_at,
            nominal_end_at=row.nominal_end_at,
            processing_type=row.processing_type,
            error=row.error,
            incomplete=row.incomplete,
            parent=links.get((row.parent_key, row.parent_job_id)),
            root=links.get((row.root_key, row.root_job_id)),
        )
        for row in rows
    ]


def _links(
    conn: Connection, rows: Sequence[Any], visible: Visible
) -> dict[tuple[bytes, int | None], RunLink]:
    named = {
        (row.parent_key, row.parent_job_id): row.parent_run_id for row in rows if row.parent_key is not None
    }
    named |= {(row.root_key, row.root_job_id): row.root_run_id for row in rows if row.root_key is not None}
    if not named:
        return {}
    jobs = names_of(
        conn, "job", sorted({job_id for _, job_id in named if job_id is not None}), visible=visible
    )
    unnamed = sorted({key for key, job_id in named if job_id is None})
    found = _jobs_of_keys(conn, unnamed, visible)
    return {
        (key, job_id): RunLink(run_id, found.get(key) if job_id is None else jobs.get(job_id))
        for (key, job_id), run_id in named.items()
    }


def _jobs_of_keys(conn: Connection, keys: Sequence[bytes], visible: Visible) -> dict[bytes, Named]:
    """Find the job of each run id, where only one job has it."""
    if not keys:
        return {}
    least, most = func.min(run.c.job_id).label("least"), func.max(run.c.job_id).label("most")
    grouped = select(run.c.key, least, most).where(run.c.key.in_(keys), run.c.declared.is_(False))
    rows = conn.execute(grouped.group_by(run.c.key)).all()
    jobs = names_of(conn, "job", [row.least for row in rows], visible=visible)
    return {row.key: jobs[row.least] for row in rows if row.least == row.most and row.least in jobs}
