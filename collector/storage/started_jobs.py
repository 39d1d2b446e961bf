"""Which jobs triggers have started, and what jobs and their parts write."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from collector.storage.selects import chunks
from collector.storage.tables import dataset, edge, firing, firing_action, job, namespace
from collector.storage.upsert import among
from lineage.model import Direction, JobRef

DEEPEST = 10
"""Jobs one part of the other that are looked at."""


class Recognised(NamedTuple):
    """A run that an action started, and what it was started with."""

    action_id: str
    target_id: str
    options: Mapping[str, Any]
    run_key: bytes
    job: JobRef


def recognised(conn: Connection, trigger_id: str, most: int) -> Iterator[Recognised]:
    """Give what the actions of a trigger started last, as far as it was recognised."""
    wanted = (
        select(
            firing_action.c.action_id,
            firing_action.c.target_id,
            firing_action.c.body,
            firing_action.c.run_key,
            firing_action.c.job_namespace,
            firing_action.c.job_name,
        )
        .join_from(firing, firing_action, firing_action.c.firing_id == firing.c.id)
        .where(firing.c.trigger_id == trigger_id, firing_action.c.job_name.is_not(None))
        .order_by(firing.c.at.desc())
        .limit(most)
    )
    for row in conn.execute(wanted):
        options = json.loads(row.body).get("action", {})
        job_ref = JobRef(row.job_namespace, row.job_name)
        yield Recognised(row.action_id, row.target_id, options, bytes(row.run_key), job_ref)


def jobs_named(conn: Connection, names: Collection[str], but: str) -> dict[str, list[JobRef]]:
    """Give the jobs of these names in whatever namespace, ``but`` one."""
    found: dict[str, list[JobRef]] = defaultdict(list)
    for part in chunks(sorted(names)):
        wanted = (
            select(namespace.c.name.label("place"), job.c.name)
            .join_from(job, namespace, namespace.c.id == job.c.namespace_id)
            .where(job.c.name.in_(part), job.c.dataset_id.is_(None), namespace.c.name != but)
        )
        for row in conn.execute(wanted):
            found[row.name].append(JobRef(row.place, row.name))
    return found


def with_parts(conn: Connection, job_ids: Iterable[int]) -> dict[int, set[int]]:
    """Give of each of these jobs itself and its parts: a DAG's tasks, and what these ran."""
    found = {id_: {id_} for id_ in job_ids}
    wholes: dict[int, set[int]] = {id_: {id_} for id_ in found}
    """Of each job that was met, the ones asked for that it is a part of."""
    level: Collection[int] = list(found)
    for _ in range(DEEPEST):
        below: set[int] = set()
        rows = conn.execute(select(job.c.id, job.c.parent_id).where(among(conn, job.c.parent_id, level)))
        for id_, parent_id in rows:
            mine = wholes.setdefault(id_, set())
            if not wholes[parent_id] <= mine:
                mine |= wholes[parent_id]
                below.add(id_)
        if not below:
            break
        level = below
    for id_, mine in wholes.items():
        for whole in mine:
            found[whole].add(id_)
    return found


def written_by(conn: Connection, job_ids: Collection[int]) -> dict[int, set[int]]:
    """Give the datasets (canonical ids) that jobs write now, of those that write any."""
    found: dict[int, set[int]] = defaultdict(set)
    wanted = (
        select(edge.c.job_id, dataset.c.canonical_id)
        .join_from(edge, dataset, dataset.c.id == edge.c.dataset_id)
        .where(
            among(conn, edge.c.job_id, job_ids),
            edge.c.direction == int(Direction.OUTPUT),
            edge.c.valid_to.is_(None),
        )
    )
    for job_id, dataset_id in conn.execute(wanted):
        found[job_id].add(dataset_id)
    return found
