"""Edges as lists: what a job reads and writes, who reads and writes a dataset, now and before.

Walking the graph is the business of ``graph.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, distinct, func, select

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
    statement = (
        _edges(dataset)
        .join(dataset, dataset.c.id == edge.c.dataset_id)
        .where(edge.c.job_id == job_id, dataset.c.job_id.is_(None))
    )
    return _listed(conn, statement, dataset, visible, limit, open_only, direction)


def dataset_edges(
    conn: Connection, members: Sequence[int], *, visible: Visible, limit: int, direction: Direction
) -> list[EdgeRow]:
    """Give the jobs that now write (``OUTPUT``) or read (``INPUT``) a dataset, at most ``limit``.

    ``members`` are the ids of its names; a job that uses two of them is given twice.
    """
    mine = any_of(conn, edge.c.dataset_id, members)
    statement = _edges(job).join(job, job.c.id == edge.c.job_id).where(mine)
    return _listed(conn, statement.where(job.c.dataset_id.is_(None)), job, visible, limit, True, direction)


def count_readers_and_writers(conn: Connection, dataset_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Count, for each of these datasets that has any, the jobs that now write and that now read it by any name."""
    counted = func.count(distinct(edge.c.job_id)).label("jobs")
    asked, member = dataset.alias("asked"), dataset.alias("member")
    statement = (
        select(asked.c.id.label("dataset_id"), edge.c.direction, counted)
        .join_from(asked, member, member.c.canonical_id == asked.c.canonical_id)
        .join(edge, edge.c.dataset_id == member.c.id)
        .join(job, job.c.id == edge.c.job_id)
    )
    statement = statement.where(asked.c.id.in_(dataset_ids), edge.c.valid_to.is_(None))
    rows = conn.execute(statement.where(job.c.dataset_id.is_(None)).group_by(asked.c.id, edge.c.direction))
    counts: dict[int, tuple[int, int]] = {}
    for row in rows:
        writers, readers = counts.get(row.dataset_id, (0, 0))
        is_output = row.direction == Direction.OUTPUT
        counts[row.dataset_id] = (row.jobs, readers) if is_output else (writers, row.jobs)
    return counts


def _edges(other: Any) -> Select[Any]:
    names = (other.c.id.label("other_id"), other.c.name.label("name"), namespace.c.name.label("namespace"))
    return select(edge.c.direction, edge.c.valid_from, edge.c.valid_to, edge.c.implied, *names).select_from(
        edge
    )


def _listed(
    conn: Connection,
    statement: Select[Any],
    other: Any,
    visible: Visible,
    limit: int,
    open_only: bool,
    direction: Direction | None,
) -> list[EdgeRow]:
    statement = statement.join(namespace, namespace.c.id == other.c.namespace_id)
    statement = statement.where(within(other.c.namespace_id, visible))
    if direction is not None:
        statement = statement.where(edge.c.direction == int(direction))
    by_name = (namespace.c.name, other.c.name, edge.c.direction)
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
