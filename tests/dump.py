"""The projected tables as comparable values, and the log as the tests fill it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, select

from collector.ingest.check import inspect
from collector.storage.compression import pack, unpack
from collector.storage.engine import Database
from collector.storage.event_log import NewEvent, append
from collector.storage.tables import (
    PROJECTION,
    dataset,
    dataset_alias,
    event,
    facet_body,
    inbox,
    metadata,
    parked,
    run,
)
from collector.storage.timelines import NO_RUN
from collector.storage.upsert import write_rows
from lineage.identity import Pair, canonical_ids
from lineage.model import DatasetRef, JobRef, run_key

RUN_IDS = {
    "run": ("id",),
    "run_io": ("run_id",),
    "dataset_update": ("run_id",),
    "assertion": ("run_id",),
    "edge": ("opened_by", "closed_by"),
}
"""Where the surrogate ``run.id`` occurs: numbers given out in the order of arrival."""

Dump = dict[str, list[tuple[Any, ...]]]

_canonical = msgspec.json.Encoder(order="sorted")


def dump(conn: Connection) -> Dump:
    """Give all rows of the projection, each run by its key and job, each facet body unpacked; in order."""
    runs = {row.id: (row.key, row.job_id) for row in conn.execute(select(run.c.id, run.c.key, run.c.job_id))}
    assert len(set(runs.values())) == len(runs)
    tables: Dump = {}
    for table in PROJECTION:
        numbers = RUN_IDS.get(table.name, ())
        rows = [
            tuple(
                # An id that stands for no run stays and tells of itself in the comparison.
                runs.get(value, value) if column in numbers else value
                for column, value in row._mapping.items()
            )
            for row in conn.execute(select(table))
        ]
        if table is facet_body:
            rows = [(hash_, unpack(body)) for hash_, body in rows]
        tables[table.name] = sorted(rows, key=repr)
    return tables


def assert_sound(conn: Connection) -> None:
    """Look at what must hold of any projection: every id that a row names has its row, intervals do not overlap."""
    tables = {table.name: list(conn.execute(select(table))) for table in PROJECTION}
    ids = {name: {row.id for row in tables[name]} for name in ("namespace", "job", "dataset", "run")}
    bodies = {row.hash for row in tables["facet_body"]} | {b""}
    for table, column, target in (
        ("job", "namespace_id", "namespace"),
        ("job", "dataset_id", "dataset"),
        ("dataset", "namespace_id", "namespace"),
        ("dataset_alias", "dataset_id", "dataset"),
        ("dataset", "canonical_id", "dataset"),
        ("run", "job_id", "job"),
        ("run", "parent_job_id", "job"),
        ("run", "root_job_id", "job"),
        ("run_io", "run_id", "run"),
        ("run_io", "dataset_id", "dataset"),
        ("dataset_update", "run_id", "run"),
        ("dataset_update", "dataset_id", "dataset"),
        ("assertion", "run_id", "run"),
        ("assertion", "dataset_id", "dataset"),
        ("edge", "job_id", "job"),
        ("edge", "dataset_id", "dataset"),
        ("edge", "opened_by", "run"),
        ("edge", "closed_by", "run"),
        ("derivation", "dataset_id", "dataset"),
    ):
        named = {getattr(row, column) for row in tables[table]} - {None}
        if column == "opened_by":
            named -= {NO_RUN}
        assert named <= ids[target], f"{table}.{column} names a {target} that is not there"
    assert_joined(conn)
    assert {row.hash for row in tables["facet"]} <= bodies
    assert {row.owner_id for row in tables["facet"]} <= ids["job"] | ids["dataset"]
    lines: dict[tuple[int, int, int], list[tuple[int, int | None]]] = {}
    for row in tables["edge"]:
        lines.setdefault((row.job_id, row.dataset_id, row.direction), []).append(
            (row.valid_from, row.valid_to)
        )
    for intervals in lines.values():
        intervals.sort()
        for (start, end), (following, _) in pairwise(intervals):
            assert end is not None
            assert start < end <= following


def assert_joined(conn: Connection) -> None:
    """Look at what must hold of names: the stored sets are those that all pairs together make."""
    refs = {id_: ref for id_, ref in names(conn).items() if isinstance(ref, DatasetRef)}
    pairs = [Pair(row.dataset_id, row.other_id, row.reason) for row in conn.execute(select(dataset_alias))]
    stored = {row.id: row.canonical_id for row in conn.execute(select(dataset))}
    points = {row.id: row.id for row in conn.execute(select(dataset).where(dataset.c.job_id.is_not(None)))}
    assert stored == canonical_ids({id_: refs[id_] for id_ in refs.keys() - points.keys()}, pairs) | points


def names(conn: Connection) -> dict[int, JobRef | DatasetRef]:
    """Give the names of all jobs and datasets by id."""
    tables = {table.name: table for table in PROJECTION}
    namespaces = {row.id: row.name for row in conn.execute(select(tables["namespace"]))}
    found: dict[int, JobRef | DatasetRef] = {}
    for table, kind in (("job", JobRef), ("dataset", DatasetRef)):
        for row in conn.execute(select(tables[table])):
            found[row.id] = kind(namespaces[row.namespace_id], row.name)
    return found


def new_event(body: object, received_at: int) -> NewEvent:
    """Make the row of the log for an event, as the way in does."""
    data = _canonical.encode(body)
    seen = inspect(body, received_at)
    if seen.kind.value == "dataset":
        entity = DatasetRef(seen.dataset_namespace or "", seen.dataset_name or "").id
    else:
        entity = JobRef(seen.job_namespace or "", seen.job_name or "").id
    return NewEvent(
        seen.kind.value,
        seen.event_type,
        seen.event_time,
        received_at,
        run_key(seen.run_id) if seen.run_id else None,
        entity,
        hashlib.sha256(data).digest()[:16],
        len(data),
        pack(data),
        None,
    )


def feed(database: Database, bodies: Iterable[object], received_at: int) -> int:
    """Add events to the log and the projector's queue; give the number of those that are no duplicates."""
    return feed_rows(database, [new_event(body, received_at) for body in bodies])


def feed_rows(database: Database, rows: Sequence[NewEvent]) -> int:
    """Add rows to the log and the queue, as ``feed``."""
    with database.write() as conn:
        return sum(append(database, conn, rows))


def queue_again(database: Database, rows: Iterable[NewEvent]) -> None:
    """Put events that are in the log into the projector's queue, whether projected already or not."""
    with database.write() as conn:
        hashes = {row.hash for row in rows}
        ids = [row.id for row in conn.execute(select(event.c.id, event.c.hash)) if row.hash in hashes]
        write_rows(conn, inbox, ("event_id",), [(id_,) for id_ in ids])


def empty(database: Database) -> None:
    """Delete every row: much faster than another database."""
    with database.write() as conn:
        for table in metadata.sorted_tables:
            conn.execute(delete(table))


def waiting(database: Database) -> tuple[int, int, int]:
    """Count the events in the log, in the queue, and parked."""
    with database.read() as conn:
        counts = [
            conn.execute(select(func.count()).select_from(t)).scalar_one() for t in (event, inbox, parked)
        ]
    return counts[0], counts[1], counts[2]
