"""What a graph shows of very many jobs and datasets, in as few statements as for one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from collector.storage.compression import unpack
from collector.storage.facet_reads import DELETED
from collector.storage.tables import dataset, dataset_update, edge, facet, facet_body, job, run, tagged
from collector.storage.upsert import among

PIECE = 500
"""Bodies fetched at a time: keys that are bytes are parameters one by one."""


class JobRow(NamedTuple):
    """When a job was first and last heard of, and what it is a part of."""

    created_at: int | None
    updated_at: int | None
    parent_id: int | None


class LatestRun(NamedTuple):
    """The run of a job that began last. Times are µs UTC."""

    run_id: str
    key: bytes
    state: str | None
    first_event_at: int | None
    last_event_at: int | None
    started_at: int | None
    running_at: int | None
    ended_at: int | None
    nominal_start_at: int | None
    nominal_end_at: int | None


def job_rows(conn: Connection, job_ids: Collection[int]) -> dict[int, JobRow]:
    """Give what the rows of jobs tell."""
    columns = (job.c.id, job.c.first_seen_at, job.c.last_seen_at, job.c.parent_id)
    rows = conn.execute(select(*columns).where(among(conn, job.c.id, job_ids)))
    return {id_: JobRow(first, last, parent) for id_, first, last, parent in rows}


def dataset_times(conn: Connection, dataset_ids: Collection[int]) -> dict[int, tuple[int | None, int | None]]:
    """Give when each dataset, by its canonical id, first stood at an edge and when it was last written; µs UTC."""
    # Each looks up one end of an index.
    first = select(func.min(edge.c.valid_from)).where(edge.c.dataset_id == dataset.c.id)
    last = select(func.max(dataset_update.c.event_time)).where(dataset_update.c.dataset_id == dataset.c.id)
    ends = (query.correlate(dataset).scalar_subquery() for query in (first, last))
    statement = select(dataset.c.canonical_id, *ends).where(among(conn, dataset.c.canonical_id, dataset_ids))
    found: dict[int, tuple[int | None, int | None]] = {}
    for id_, created, written in conn.execute(statement):
        before = found.get(id_, (None, None))
        found[id_] = (
            min((at for at in (created, before[0]) if at is not None), default=None),
            max((at for at in (written, before[1]) if at is not None), default=None),
        )
    return found


def latest_runs(conn: Connection, job_ids: Collection[int]) -> dict[int, LatestRun]:
    """Give, for each of these jobs that has one, the run that began last."""
    mine = (run.c.job_id == job.c.id, run.c.declared.is_(False), run.c.first_event_at.is_not(None))
    newest = select(run.c.id).where(*mine).order_by(run.c.first_event_at.desc(), run.c.id.desc()).limit(1)
    chosen = run.alias("latest")
    columns = [chosen.c[name] for name in LatestRun._fields]
    statement = (
        select(job.c.id, *columns)
        .join_from(job, chosen, chosen.c.id == newest.correlate(job).scalar_subquery())
        .where(among(conn, job.c.id, job_ids))
    )
    return {row[0]: LatestRun(*row[1:]) for row in conn.execute(statement)}


def facet_hashes(
    conn: Connection, owner_ids: Collection[int], names: Collection[str]
) -> dict[tuple[int, str], bytes]:
    """Give the hash of the current body of each of these facets, by owner and name; deleted ones are left out."""
    columns = (facet.c.owner_id, facet.c.name, facet.c.last_seen_at, facet.c.hash)
    chosen = (among(conn, facet.c.owner_id, owner_ids), facet.c.name.in_(names))
    newest: dict[tuple[int, str], tuple[int, bytes]] = {}
    for owner, name, at, digest in conn.execute(select(*columns).where(*chosen)):
        key, seen = (owner, name), (at, bytes(digest))
        if key not in newest or seen > newest[key]:
            newest[key] = seen
    return {key: digest for key, (_, digest) in newest.items() if digest != DELETED}


def facet_texts(conn: Connection, hashes: Collection[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Give the bodies (canonical JSON) with these hashes."""
    wanted = list(hashes)
    for start in range(0, len(wanted), PIECE):
        chosen = facet_body.c.hash.in_(wanted[start : start + PIECE])
        for row in conn.execute(select(facet_body.c.hash, facet_body.c.body).where(chosen)):
            yield bytes(row.hash), unpack(row.body)


def field_tags(conn: Connection, owner_ids: Collection[int]) -> dict[tuple[int, str], list[str]]:
    """Give the tags on fields, by dataset and field, in the order of the alphabet."""
    found: dict[tuple[int, str], list[Any]] = {}
    order = (tagged.c.owner_id, tagged.c.field, tagged.c.tag)
    chosen = select(*order).where(among(conn, tagged.c.owner_id, owner_ids), tagged.c.field != "")
    for owner, field, tag in conn.execute(chosen.order_by(*order)):
        found.setdefault((owner, field), []).append(tag)
    return found
