"""Edges as lists: what a job reads and writes, who reads and writes a dataset, now and before.

Walking the graph is the business of ``graph.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Integer, cast, distinct, func, select

from collector.storage.catalog import Named
from collector.storage.dataset_names import any_of
from collector.storage.tables import dataset, edge, job, namespace
from collector.storage.visibility import Visible, within
from lineage.model import Direction


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """One end of an edge, seen from the other. ``valid_to`` None: still open; it is exclusive."""

    other: Named
    direction: Direction
    valid_from: int
    valid_to: int | None
    implied: bool


def job_edges(
    conn: Connection,
    job_id: int,
    *,
    visible: Visible,
    limit: int,
    open_only: bool,
    direction: Direction | None = None,
) -> list[EdgeRow]:
    """Give what a job reads and writes, or every interval in which it did, the newest first; at most ``limit``."""
    names = (dataset.c.id.label("other_id"), dataset.c.name, namespace.c.name.label("namespace"))
    statement = (
        select(edge.c.direction, edge.c.valid_from, edge.c.valid_to, edge.c.implied, *names)
        .join_from(edge, dataset, dataset.c.id == edge.c.dataset_id)
        .join(namespace, namespace.c.id == dataset.c.namespace_id)
        .where(edge.c.job_id == job_id, dataset.c.job_id.is_(None))
        .where(within(dataset.c.namespace_id, visible))
    )
    if direction is not None:
        statement = statement.where(edge.c.direction == int(direction))
    by_name = (namespace.c.name, dataset.c.name, edge.c.direction)
    if open_only:
        statement = statement.where(edge.c.valid_to.is_(None)).order_by(*by_name)
    else:
        statement = statement.order_by(edge.c.valid_from.desc(), *by_name)
    return [
        EdgeRow(
            other=Named(row.other_id, row.namespace, row.name),
            direction=Direction(row.direction),
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            implied=row.implied,
        )
        for row in conn.execute(statement.limit(limit))
    ]


def dataset_edges(
    conn: Connection, members: Sequence[int], *, visible: Visible, limit: int, direction: Direction
) -> list[EdgeRow]:
    """Give the jobs that now write (``OUTPUT``) or read (``INPUT``) a dataset, at most ``limit``.

    ``members`` are the ids of its names; a job that uses several of them is given once.
    """
    since, implied = func.min(edge.c.valid_from), func.min(cast(edge.c.implied, Integer))
    names = (job.c.id, namespace.c.name.label("namespace"), job.c.name)
    statement = (
        select(*names, since.label("since"), implied.label("implied"))
        .join_from(edge, job, job.c.id == edge.c.job_id)
        .join(namespace, namespace.c.id == job.c.namespace_id)
        .where(any_of(conn, edge.c.dataset_id, members), edge.c.direction == int(direction))
        .where(edge.c.valid_to.is_(None), job.c.dataset_id.is_(None), within(job.c.namespace_id, visible))
        .group_by(*names)
        .order_by(namespace.c.name, job.c.name)
        .limit(limit)
    )
    return [
        EdgeRow(Named(row.id, row.namespace, row.name), direction, row.since, None, bool(row.implied))
        for row in conn.execute(statement)
    ]


def count_readers_and_writers(
    conn: Connection, dataset_ids: Sequence[int], visible: Visible
) -> dict[int, tuple[int, int]]:
    """Count, for each of these datasets that has any, the jobs that now write and that now read it by any name.

    Jobs that the caller does not see are left out.
    """
    counted = func.count(distinct(edge.c.job_id)).label("jobs")
    asked, member = dataset.alias("asked"), dataset.alias("member")
    statement = (
        select(asked.c.id.label("dataset_id"), edge.c.direction, counted)
        .join_from(asked, member, member.c.canonical_id == asked.c.canonical_id)
        .join(edge, edge.c.dataset_id == member.c.id)
        .join(job, job.c.id == edge.c.job_id)
    )
    statement = statement.where(asked.c.id.in_(dataset_ids), edge.c.valid_to.is_(None))
    statement = statement.where(within(job.c.namespace_id, visible))
    rows = conn.execute(statement.where(job.c.dataset_id.is_(None)).group_by(asked.c.id, edge.c.direction))
    counts: dict[int, tuple[int, int]] = {}
    for row in rows:
        writers, readers = counts.get(row.dataset_id, (0, 0))
        is_output = row.direction == Direction.OUTPUT
        counts[row.dataset_id] = (row.jobs, readers) if is_output else (writers, row.jobs)
    return counts
