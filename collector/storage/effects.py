"""What followed from runs: the runs under them, by the parents that these name, and what they read and wrote."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, or_, select

from collector.storage.selects import chunks
from collector.storage.tables import dataset, job, namespace, run, run_io
from collector.storage.upsert import among
from lineage.effects import Worked, entries
from lineage.model import Direction, JobRef

DEEPEST: Final = 20
"""Runs one under the other that are looked at."""

MOST_RUNS: Final = 20_000
"""Runs that are looked at, the nearest first."""


class RunUnder(NamedTuple):
    """A run, by the ids of its row and of its job, and its key."""

    id: int
    job_id: int
    key: bytes


def runs_under(conn: Connection, keys: Collection[bytes]) -> dict[bytes, list[RunUnder]]:
    """Give the runs of each of these keys and all runs under them, in the order in which they began.

    What has the same key counts as well: Dagster gives the runs of several assets one run id, and no parent.
    """
    tops: dict[int, set[bytes]] = defaultdict(set)
    """Of each run, the keys that it is under."""
    rows: dict[int, Any] = {}
    for part in chunks(list(keys)):
        for row in conn.execute(_runs().where(run.c.key.in_(part))):
            rows[row.id] = row
            tops[row.id].add(bytes(row.key))
    level: Collection[int] = list(rows)
    for _ in range(DEEPEST):
        if not level or len(rows) >= MOST_RUNS:
            break
        changed: set[int] = set()
        for row in conn.execute(_below(conn, level)):
            above = tops[row.parent_id]
            if not above <= tops[row.id]:
                rows[row.id] = row
                tops[row.id] |= above
                changed.add(row.id)
        level = changed
    found: dict[bytes, list[RunUnder]] = {key: [] for key in keys}
    for row in sorted(rows.values(), key=lambda row: (row.first_event_at or 0, row.id)):
        for key in tops[row.id]:
            found[key].append(RunUnder(row.id, row.job_id, bytes(row.key)))
    return found


def entry_jobs(conn: Connection, keys: Collection[bytes]) -> dict[bytes, list[JobRef]]:
    """Give the jobs from which all that the runs of these keys, and those under them, read and wrote follows.

    Of a DAG, of which only the tasks read and write, these are the tasks that need no other one. Where none of the
    runs under a key has anything to do with data, it is the job of the key itself; of a key without run, none.
    """
    under = runs_under(conn, keys)
    data = _data(conn, {each.id for some in under.values() for each in some})
    wanted: dict[bytes, list[int]] = {}
    for key, some in under.items():
        worked = [
            Worked(each.job_id, data[each.id][Direction.INPUT], data[each.id][Direction.OUTPUT])
            for each in some
            if each.id in data
        ]
        wanted[key] = entries(worked) or [each.job_id for each in some if each.key == key][:1]
    names = job_names(conn, {id_ for some in wanted.values() for id_ in some})
    return {key: [names[id_] for id_ in some] for key, some in wanted.items()}


def job_names(conn: Connection, job_ids: Iterable[int]) -> dict[int, JobRef]:
    """Give the names of jobs, by id."""
    named = (
        select(job.c.id, namespace.c.name.label("place"), job.c.name)
        .join_from(job, namespace, namespace.c.id == job.c.namespace_id)
        .where(among(conn, job.c.id, job_ids))
    )
    return {row.id: JobRef(row.place, row.name) for row in conn.execute(named)}


def _runs() -> Select[Any]:
    return select(run.c.id, run.c.key, run.c.job_id, run.c.first_event_at).where(run.c.declared.is_(False))


def _below(conn: Connection, run_ids: Collection[int]) -> Select[Any]:
    parent = run.alias("parent")
    # A parent facet may not say of which job the run is.
    same_job = or_(run.c.parent_job_id.is_(None), run.c.parent_job_id == parent.c.job_id)
    return (
        _runs()
        .add_columns(parent.c.id.label("parent_id"))
        .join_from(parent, run, (run.c.parent_key == parent.c.key) & same_job)
        .where(among(conn, parent.c.id, run_ids))
    )


def _data(conn: Connection, run_ids: Collection[int]) -> Mapping[int, Mapping[int, set[int]]]:
    """Give what runs read and wrote, by run and direction."""
    uses = (
        select(run_io.c.run_id, dataset.c.canonical_id, run_io.c.direction)
        .join_from(run_io, dataset, dataset.c.id == run_io.c.dataset_id)
        .where(among(conn, run_io.c.run_id, run_ids))
        .where(run_io.c.direction.in_([int(Direction.INPUT), int(Direction.OUTPUT)]))
    )
    found: dict[int, dict[int, set[int]]] = defaultdict(
        lambda: {Direction.INPUT: set(), Direction.OUTPUT: set()}
    )
    for run_id, dataset_id, direction in conn.execute(uses):
        found[run_id][direction].add(dataset_id)
    return found
