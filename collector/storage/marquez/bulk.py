"""What a graph shows of very many jobs and datasets, in as few statements as for one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from sqlalchemy import Connection, case, func, or_, select

from collector.storage.compression import unpack
from collector.storage.facet_reads import DELETED
from collector.storage.tables import (
    dataset,
    dataset_update,
    edge,
    facet,
    facet_body,
    job,
    namespace,
    run,
    tagged,
)
from collector.storage.upsert import among
from lineage.model import Direction

PIECE = 500
"""Bodies fetched at a time: keys that are bytes are parameters one by one."""

Sees = Callable[[str], bool]


class OpenEdges:
    """The edges that are open now. Satisfies ``lineage.component.Connections``."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def of_jobs(self, job_ids: Collection[int]) -> Collection[tuple[int, int, int]]:
        chosen = (among(self._conn, edge.c.job_id, job_ids), *_OPEN)
        statement = select(edge.c.job_id, dataset.c.canonical_id, edge.c.direction)
        joined = statement.join_from(edge, dataset, dataset.c.id == edge.c.dataset_id)
        return self._conn.execute(joined.where(*chosen)).all()

    def at_datasets(self, dataset_ids: Collection[int]) -> set[int]:
        chosen = (among(self._conn, dataset.c.canonical_id, dataset_ids), *_OPEN)
        statement = select(edge.c.job_id).join_from(dataset, edge, edge.c.dataset_id == dataset.c.id)
        # To leave out those that come twice takes the database longer than to give them.
        return {row[0] for row in self._conn.execute(statement.where(*chosen)).all()}


_OPEN = (edge.c.valid_to.is_(None), edge.c.direction.in_([int(Direction.INPUT), int(Direction.OUTPUT)]))


class LatestRun(NamedTuple):
    """The run of a job that began last. Times are µs UTC."""

    key: bytes
    state: str | None
    first_event_at: int
    last_event_at: int
    started_at: int | None
    ended_at: int | None
    nominal_start_at: int | None
    nominal_end_at: int | None


class JobRow(NamedTuple):
    """A job by the name in its events; ``hidden``: it only stands for whoever makes a dataset. Times in µs UTC."""

    namespace: str
    name: str
    hidden: bool
    parent_id: int | None
    created_at: int
    updated_at: int
    latest_run: LatestRun | None


class DatasetRow(NamedTuple):
    """A dataset by its canonical name, or by another if that may not be seen; ``names`` are the ids of all.

    ``hidden``: it only stands for data passed between jobs, or for the order of two. Times in µs UTC, ``written_at``
    None where nobody has.
    """

    namespace: str
    name: str
    hidden: bool
    names: tuple[int, ...]
    created_at: int
    written_at: int | None


def job_rows(conn: Connection, job_ids: Collection[int], sees: Sees) -> dict[int, JobRow]:
    """Give jobs by id with the run of each that began last, without those of namespaces that the caller may not see."""
    mine = (run.c.job_id == job.c.id, run.c.declared.is_(False), run.c.first_event_at.is_not(None))
    newest = select(run.c.id).where(*mine).order_by(run.c.first_event_at.desc(), run.c.id.desc()).limit(1)
    latest = run.alias("latest")
    columns = (job.c.namespace_id, job.c.name, job.c.dataset_id, job.c.parent_id)
    seen = (job.c.first_seen_at, job.c.last_seen_at)
    statement = (
        select(job.c.id, *columns, *seen, *(latest.c[name] for name in LatestRun._fields))
        .outerjoin_from(job, latest, latest.c.id == newest.correlate(job).scalar_subquery())
        .where(among(conn, job.c.id, job_ids))
    )
    rows = conn.execute(statement).all()
    places = _namespaces(conn, {row[1] for row in rows}, sees)
    return {
        id_: JobRow(
            places[place],
            name,
            stands_for is not None,
            parent,
            first or 0,
            last or first or 0,
            None if began[0] is None else LatestRun(*began),
        )
        for id_, place, name, stands_for, parent, first, last, *began in rows
        if place in places
    }


def dataset_rows(conn: Connection, dataset_ids: Collection[int], sees: Sees) -> dict[int, DatasetRow]:
    """Give datasets by their canonical ids, without names of namespaces that the caller may not see."""
    # One by one the last update is the end of an index; a statement that groups reads all that ever were.
    first = select(func.min(edge.c.valid_from)).where(edge.c.dataset_id == dataset.c.id)
    last = select(func.max(dataset_update.c.event_time)).where(dataset_update.c.dataset_id == dataset.c.id)
    ends = (query.correlate(dataset).scalar_subquery() for query in (first, last))
    columns = (dataset.c.canonical_id, dataset.c.id, dataset.c.namespace_id, dataset.c.name)
    stand_in = or_(dataset.c.artificial, dataset.c.job_id.is_not(None))
    statement = select(*columns, case((stand_in, 1), else_=0), *ends)
    rows = conn.execute(statement.where(among(conn, dataset.c.canonical_id, dataset_ids))).all()
    places = _namespaces(conn, {row[2] for row in rows}, sees)
    found: dict[int, DatasetRow] = {}
    others: dict[int, list[tuple[int, DatasetRow]]] = defaultdict(list)
    for canonical_id, id_, place, name, hidden, created, written in rows:
        if place in places:
            row = DatasetRow(places[place], name, hidden == 1, (id_,), created or written or 0, written)
            if id_ == canonical_id:
                found[id_] = row
            else:
                others[canonical_id].append((id_, row))
    for canonical_id, named in others.items():
        found[canonical_id] = _together(found.get(canonical_id), [row for _, row in sorted(named)])
    return found


def _together(canonical: DatasetRow | None, others: list[DatasetRow]) -> DatasetRow:
    shown, *rest = others if canonical is None else [canonical, *others]
    every = (shown, *rest)
    return shown._replace(
        names=tuple(id_ for row in every for id_ in row.names),
        created_at=min(row.created_at for row in every),
        written_at=max((row.written_at for row in every if row.written_at is not None), default=None),
    )


def _namespaces(conn: Connection, ids: Collection[int], sees: Sees) -> dict[int, str]:
    rows = conn.execute(select(namespace.c.id, namespace.c.name).where(among(conn, namespace.c.id, ids)))
    return {row.id: row.name for row in rows if sees(row.name)}


def facet_hashes(
    conn: Connection, owner_ids: Collection[int], names: Collection[str]
) -> dict[tuple[int, str], bytes]:
    """Give the hash of the current body of each of these facets, by owner and name; deleted ones are left out."""
    columns = (facet.c.owner_id, facet.c.name, facet.c.last_seen_at, facet.c.hash)
    chosen = (among(conn, facet.c.owner_id, owner_ids), facet.c.name.in_(names))
    newest: dict[tuple[int, str], tuple[int, bytes]] = {}
    for owner, name, at, digest in conn.execute(select(*columns).where(*chosen)).all():
        key, seen = (owner, name), (at, digest)
        if key not in newest or seen > newest[key]:
            newest[key] = seen
    return {key: digest for key, (_, digest) in newest.items() if digest != DELETED}


def facet_texts(conn: Connection, hashes: Collection[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Give the bodies (canonical JSON) with these hashes."""
    wanted = list(hashes)
    for start in range(0, len(wanted), PIECE):
        chosen = facet_body.c.hash.in_(wanted[start : start + PIECE])
        for row in conn.execute(select(facet_body.c.hash, facet_body.c.body).where(chosen)).all():
            yield row.hash, unpack(row.body)


def field_tags(conn: Connection, owner_ids: Collection[int]) -> dict[tuple[int, str], list[str]]:
    """Give the tags on fields, by dataset and field, in the order of the alphabet."""
    found: dict[tuple[int, str], list[str]] = defaultdict(list)
    order = (tagged.c.owner_id, tagged.c.field, tagged.c.tag)
    chosen = select(*order).where(among(conn, tagged.c.owner_id, owner_ids), tagged.c.field != "")
    for owner, field, tag in conn.execute(chosen.order_by(*order)):
        found[owner, field].append(tag)
    return found
