"""A stretch of the log, and what was known before it: for those who go through history again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, select, union

from collector.storage.event_reads import SLACK, first_id
from collector.storage.inbox import COLUMNS, LoggedEvent
from collector.storage.selects import chunks
from collector.storage.tables import (
    assertion,
    dataset,
    dataset_update,
    event,
    facet,
    inbox,
    job,
    namespace,
    parked,
    run,
    run_io,
)
from collector.storage.upsert import among
from lineage.model import Direction
from lineage.runs import Update

PAGE = 2_000
"""Events that are read at once; with their bodies some megabytes."""


class Stretch(NamedTuple):
    """Events by id, both ends included, among which are all that were received in some time."""

    first: int
    last: int


def stretch(conn: Connection, since: int, until: int) -> Stretch:
    """Give the ids among which are all events received in ``since <= received_at < until`` (µs UTC)."""
    return Stretch(first_id(conn, since - SLACK), first_id(conn, until + SLACK) - 1)


def names_of(conn: Connection, canonical_ids: Collection[int]) -> dict[int, int]:
    """Give the names of datasets by id, each with the canonical id; a dataset that no event has named is its own."""
    found = {id_: id_ for id_ in canonical_ids}
    statement = select(dataset.c.id, dataset.c.canonical_id)
    rows = conn.execute(statement.where(among(conn, dataset.c.canonical_id, canonical_ids)))
    return found | {row.id: row.canonical_id for row in rows}


def jobs_of(conn: Connection, name_ids: Collection[int], *, reading: bool) -> set[int]:
    """Give the jobs of which a run ever wrote one of these; with ``reading`` also those that read or checked one."""
    used = (
        select(run.c.job_id)
        .join_from(run_io, run, run.c.id == run_io.c.run_id)
        .where(among(conn, run_io.c.dataset_id, name_ids))
    )
    if not reading:
        return set(conn.execute(used.where(run_io.c.direction == int(Direction.OUTPUT)).distinct()).scalars())
    checked = (
        select(run.c.job_id)
        .join_from(assertion, run, run.c.id == assertion.c.run_id)
        .where(among(conn, assertion.c.dataset_id, name_ids))
    )
    return set(conn.execute(union(used, checked)).scalars())


def event_ids(conn: Connection, within: Stretch, entity_ids: Collection[int] | None) -> list[int]:
    """Give the projected events of a stretch, in order: those of some jobs and datasets, or all (None)."""
    there = event.c.id.between(*within)
    wanted = select(event.c.id).where(there)
    if entity_ids is not None:
        wanted = wanted.where(among(conn, event.c.entity_id, entity_ids))
    unseen = set(conn.execute(union(select(inbox.c.event_id), select(parked.c.event_id))).scalars())
    return sorted(set(conn.execute(wanted).scalars()) - unseen)


def run_keys(conn: Connection, within: Stretch) -> set[bytes]:
    """Give the keys of all runs and declarations of which a stretch holds events."""
    rows = conn.execute(select(event.c.run_key, event.c.hash).where(event.c.id.between(*within)))
    return {bytes(hash_ if key is None else key) for key, hash_ in rows.fetchall()}


def earlier_events(conn: Connection, keys: Collection[bytes], before: int) -> list[int]:
    """Give the events of runs with ids less than ``before``, in order."""
    found: set[int] = set()
    for part in chunks(sorted(keys)):
        found.update(
            conn.execute(select(event.c.id).where(event.c.run_key.in_(part), event.c.id < before)).scalars()
        )
    return sorted(found)


def pages(conn: Connection, ids: Sequence[int]) -> Iterator[list[LoggedEvent]]:
    """Read events by id, in order."""
    for start in range(0, len(ids), PAGE):
        chosen = among(conn, event.c.id, ids[start : start + PAGE])
        rows = conn.execute(select(*COLUMNS).where(chosen).order_by(event.c.id))
        yield [LoggedEvent(*row) for row in rows.fetchall()]


def run_ids(conn: Connection, keys: Collection[bytes]) -> dict[tuple[bytes, int], int]:
    """Give the ids of runs, by key and job."""
    found: dict[tuple[bytes, int], int] = {}
    for part in chunks(sorted(keys)):
        rows = conn.execute(select(run.c.key, run.c.job_id, run.c.id).where(run.c.key.in_(part)))
        found.update(((bytes(key), job_id), id_) for key, job_id, id_ in rows.fetchall())
    return found


class Writer(NamedTuple):
    """A run."""

    run_key: bytes
    run_id: str
    job_id: int
    job_namespace: str
    job_name: str
    parent_key: bytes | None


def writers(conn: Connection, run_ids: Collection[int]) -> dict[int, Writer]:
    """Tell of runs, by id."""
    wanted = (
        select(
            run.c.id, run.c.key, run.c.run_id, run.c.job_id, namespace.c.name.label("namespace"), job.c.name,
            run.c.parent_key,
        )
        .join_from(run, job, job.c.id == run.c.job_id)
        .join(namespace, namespace.c.id == job.c.namespace_id)
        .where(among(conn, run.c.id, run_ids))
    )  # fmt: skip
    return {
        row.id: Writer(
            bytes(row.key), row.run_id, row.job_id, row.namespace, row.name,
            None if row.parent_key is None else bytes(row.parent_key),
        )
        for row in conn.execute(wanted)
    }  # fmt: skip


def spelled(conn: Connection, name_ids: Collection[int]) -> dict[int, tuple[str, str]]:
    """Give the namespaces and names of datasets, each as it stands under this id."""
    wanted = select(dataset.c.id, namespace.c.name.label("namespace"), dataset.c.name)
    named = wanted.join_from(dataset, namespace, namespace.c.id == dataset.c.namespace_id)
    rows = conn.execute(named.where(among(conn, dataset.c.id, name_ids)))
    return {row.id: (row.namespace, row.name) for row in rows}


def updates_of(conn: Connection, name_ids: Collection[int], without: Collection[bytes]) -> Iterator[Update]:
    """Give all updates of datasets but those that runs with these keys brought."""
    columns = (dataset_update.c[name] for name in Update._fields)
    statement = select(run.c.key, *columns).join_from(
        dataset_update, run, run.c.id == dataset_update.c.run_id
    )
    for key, *values in conn.execute(statement.where(among(conn, dataset_update.c.dataset_id, name_ids))):
        if bytes(key) not in without:
            yield Update(*values)


def checks_of(conn: Connection, name_ids: Collection[int], without: Collection[bytes]) -> Iterator[Row[Any]]:
    """Give rows of ``assertion`` but those of runs with these keys."""
    statement = select(run.c.key.label("run_key"), assertion).join_from(
        assertion, run, run.c.id == assertion.c.run_id
    )
    for row in conn.execute(statement.where(among(conn, assertion.c.dataset_id, name_ids))):
        if bytes(row.run_key) not in without:
            yield row


def schemas_of(conn: Connection, name_ids: Collection[int]) -> Sequence[Row[Any, Any, Any, Any]]:
    """Give each schema that datasets ever had: (owner_id, hash, first_seen_at, last_seen_at)."""
    wanted = select(facet.c.owner_id, facet.c.hash, facet.c.first_seen_at, facet.c.last_seen_at)
    mine = among(conn, facet.c.owner_id, name_ids)
    return conn.execute(wanted.where(mine, facet.c.name == "schema", func.length(facet.c.hash) > 0)).all()
