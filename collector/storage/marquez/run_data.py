"""Runs as Marquez's lists have them: the last ones of many jobs, pages of one job's, and what they read and wrote."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, Dialect, Text, bindparam, cast, func, select

from collector.storage.event_reads import EventRow, events_by_id
from collector.storage.marquez.job_pages import last_runs
from collector.storage.prepared import Prepared
from collector.storage.runs import RunRow, runs_by_id
from collector.storage.tables import dataset, dataset_update, event, job, namespace, run, run_io, run_note
from collector.storage.upsert import MANY, among_parameter, many
from collector.storage.visibility import Visible, within
from lineage.model import DatasetRef, Direction, run_key


class UsedDataset(NamedTuple):
    """A dataset that a run read or wrote. ``version_of`` is the (dataset, run) that made the version in question:
    this run for an output, whoever had written last before it for an input; the run is 0 if nobody had.
    """

    dataset: DatasetRef
    direction: Direction
    version_of: tuple[int, int]


def last_runs_of(
    conn: Connection, job_ids: Collection[int], count: int, visible: Visible
) -> dict[int, list[RunRow]]:
    """Give the runs of each of these jobs that began last, the newest first."""
    rows = _last_runs(conn.dialect, count).run(conn, {"ids": many(conn, job_ids)}).all()
    ids = {row.id: [int(id_) for id_ in row.runs.split(",")] for row in rows if row.runs}
    runs = runs_by_id(conn, [id_ for some in ids.values() for id_ in some], visible)
    return {
        job_id: sorted((runs[id_] for id_ in some if id_ in runs), key=_begun, reverse=True)
        for job_id, some in ids.items()
    }


def page_of_runs(
    conn: Connection, job_id: int, *, visible: Visible, limit: int, offset: int
) -> tuple[list[RunRow], int]:
    """Give a page of the runs of a job, those first that began last, and how many there are."""
    mine = (run.c.job_id == job_id, run.c.declared.is_(False), run.c.first_event_at.is_not(None))
    order = (run.c.first_event_at.desc(), run.c.id.desc())
    ids = (
        conn.execute(select(run.c.id).where(*mine).order_by(*order).limit(limit).offset(offset))
        .scalars()
        .all()
    )
    total = conn.execute(select(func.count()).select_from(run).where(*mine)).scalar_one()
    runs = runs_by_id(conn, ids, visible)
    return [runs[id_] for id_ in ids if id_ in runs], total


def data_of(conn: Connection, run_rows: Collection[int]) -> dict[int, list[UsedDataset]]:
    """Give what runs (by the numbers of their rows) read and wrote, by name."""
    if not run_rows:
        return {}
    read = _versions_read(conn, run_rows)
    found: dict[int, list[UsedDataset]] = defaultdict(list)
    rows: Sequence[Any] = _data(conn.dialect).run(conn, {"ids": many(conn, run_rows)}).all()
    for run_id, dataset_id, direction, place, name in rows:
        if direction == Direction.OUTPUT:
            use = UsedDataset(DatasetRef(place, name), Direction.OUTPUT, (dataset_id, run_id))
        else:
            of = read.get((run_id, dataset_id), (dataset_id, 0))
            use = UsedDataset(DatasetRef(place, name), Direction.INPUT, of)
        found[run_id].append(use)
    for used in found.values():
        used.sort(key=attrgetter("dataset"))
    return found


def _versions_read(conn: Connection, run_rows: Collection[int]) -> dict[tuple[int, int], tuple[int, int]]:
    """Give, for each run and input, the newest (dataset, run) written under any name of it before the run began."""
    newest: dict[tuple[int, int], tuple[int, int, int]] = {}
    rows: Sequence[Any] = _read(conn.dialect).run(conn, {"ids": many(conn, run_rows)}).all()
    for run_id, dataset_id, other_id, at, writer in rows:
        if at is not None:
            key, candidate = (run_id, dataset_id), (at, other_id, writer)
            newest[key] = max(newest.get(key, candidate), candidate)
    return {key: (dataset_id, writer) for key, (_, dataset_id, writer) in newest.items()}


def _asked(dialect: Dialect, column: ColumnElement[int]) -> ColumnElement[bool]:
    return among_parameter(dialect, column, bindparam("ids", None, type_=MANY))


@lru_cache
def _last_runs(dialect: Dialect, count: int) -> Prepared:
    newest = last_runs(count, run.c.id).subquery("newest")
    listed = select(func.aggregate_strings(cast(newest.c.id, Text), ",")).scalar_subquery()
    return Prepared(select(job.c.id, listed.label("runs")).where(_asked(dialect, job.c.id)), dialect)


@lru_cache
def _data(dialect: Dialect) -> Prepared:
    columns = (run_io.c.run_id, run_io.c.dataset_id, run_io.c.direction, namespace.c.name, dataset.c.name)
    statement = (
        select(*columns)
        .join_from(run_io, dataset, dataset.c.id == run_io.c.dataset_id)
        .join(namespace, namespace.c.id == dataset.c.namespace_id)
        .where(
            _asked(dialect, run_io.c.run_id),
            run_io.c.direction.in_([int(Direction.INPUT), int(Direction.OUTPUT)]),
            dataset.c.job_id.is_(None),
        )
    )
    return Prepared(statement, dialect)


@lru_cache
def _read(dialect: Dialect) -> Prepared:
    name, other = dataset.alias("name"), dataset.alias("other")
    before = (
        select(dataset_update.c.event_time)
        .where(dataset_update.c.dataset_id == other.c.id, dataset_update.c.event_time <= run.c.first_event_at)
        .order_by(dataset_update.c.event_time.desc(), dataset_update.c.run_id.desc())
        .limit(1)
        .correlate(other, run)
    )
    by = before.with_only_columns(dataset_update.c.run_id)
    columns = (run_io.c.run_id, run_io.c.dataset_id, other.c.id.label("other_id"))
    statement = (
        select(*columns, before.scalar_subquery().label("at"), by.scalar_subquery().label("writer"))
        .join_from(run_io, run, run.c.id == run_io.c.run_id)
        .join(name, name.c.id == run_io.c.dataset_id)
        .join(other, other.c.canonical_id == name.c.canonical_id)
        .where(_asked(dialect, run_io.c.run_id), run_io.c.direction == int(Direction.INPUT))
    )
    return Prepared(statement, dialect)


@lru_cache
def _ends(dialect: Dialect, newest: int, oldest: int) -> Prepared:
    mine = select(event.c.id).where(event.c.run_key == run.c.key, event.c.entity_id == run.c.job_id)
    ends = (
        mine.order_by(event.c.id.desc()).limit(newest).correlate(run).subquery("newest"),
        mine.order_by(event.c.id).limit(oldest).correlate(run).subquery("oldest"),
    )
    listed = (select(func.aggregate_strings(cast(end.c.id, Text), ",")).scalar_subquery() for end in ends)
    return Prepared(select(run.c.id, *listed).where(_asked(dialect, run.c.id)), dialect)


def events_of(
    conn: Connection, runs: Sequence[RunRow], *, newest: int, oldest: int
) -> dict[int, list[EventRow]]:
    """Give the events of each of several runs in the order of receipt; of one that has many, the first and the last."""
    if not runs:
        return {}
    statement = _ends(conn.dialect, newest, oldest)
    rows: Sequence[Any] = statement.run(conn, {"ids": many(conn, [each.id for each in runs])}).all()
    ids = {row_id: {int(id_) for some in lists if some for id_ in some.split(",")} for row_id, *lists in rows}
    events = {row.id: row for row in events_by_id(conn, {id_ for some in ids.values() for id_ in some})}
    return {row_id: [events[id_] for id_ in sorted(some) if id_ in events] for row_id, some in ids.items()}


def runs_with_id(conn: Connection, run_id: str, visible: Visible) -> list[RunRow]:
    """Give the runs that have this id or UUID, of whatever jobs: the one that began first, then the others.

    Runs of which no event has come are last.
    """
    ids = conn.execute(
        select(run.c.id).where(run.c.key == run_key(run_id), run.c.declared.is_(False)).order_by(run.c.id)
    )
    runs = runs_by_id(conn, ids.scalars(), visible)
    return sorted(
        runs.values(),
        key=lambda row: (
            row.first_event_at is None,
            row.first_event_at or 0,
            row.job.namespace,
            row.job.name,
        ),
    )


def announced_run(conn: Connection, run_id: str, visible: Visible) -> tuple[dict[str, str], int] | None:
    """Give the arguments of a run that was announced, and when (µs UTC); None if none was with this id."""
    statement = (
        select(run_note.c.args, run_note.c.created_at)
        .join_from(run_note, job, job.c.id == run_note.c.job_id)
        .where(run_note.c.key == run_key(run_id), within(job.c.namespace_id, visible))
        .order_by(run_note.c.created_at)
    )
    row = conn.execute(statement).first()
    return None if row is None else (msgspec.json.decode(row.args, type=dict[str, str]), row.created_at)


def span_of_children(conn: Connection, run_id: str) -> tuple[int, int] | None:
    """Give when the first and the last event came from runs that name this one as their parent."""
    spans = select(func.min(run.c.first_event_at), func.max(run.c.last_event_at))
    first, last = conn.execute(spans.where(run.c.parent_key == run_key(run_id))).one()
    return None if first is None else (first, last)


def _begun(row: RunRow) -> tuple[int, int]:
    return row.first_event_at or 0, row.id
