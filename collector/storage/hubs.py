"""The datasets that most jobs read: where to begin to look at a graph."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from collector.storage.tables import dataset, edge, job, namespace
from collector.storage.visibility import Visible, within
from lineage.model import Direction


class Hub(NamedTuple):
    """A dataset, by the name that stands for it, and how many jobs read it under any of its names."""

    namespace: str
    name: str
    readers: int


def hubs(conn: Connection, visible: Visible, limit: int) -> list[Hub]:
    """Give the datasets that most jobs read now, of those that may be seen, that with most readers first."""
    name = dataset.alias("name")
    readers = func.count(edge.c.job_id.distinct())
    counted = (
        select(name.c.canonical_id, readers.label("readers"))
        .join_from(edge, name, name.c.id == edge.c.dataset_id)
        .join(dataset, dataset.c.id == name.c.canonical_id)
        .where(
            edge.c.direction == int(Direction.INPUT),
            edge.c.valid_to.is_(None),
            dataset.c.artificial.is_(False),
            dataset.c.job_id.is_(None),
            within(dataset.c.namespace_id, visible),
        )
        .group_by(name.c.canonical_id)
        .order_by(readers.desc(), name.c.canonical_id)
        .limit(limit)
    )
    if visible is not None:
        counted = counted.join(job, job.c.id == edge.c.job_id).where(within(job.c.namespace_id, visible))
    chosen = counted.subquery()
    rows = conn.execute(
        select(namespace.c.name.label("namespace"), dataset.c.name, chosen.c.readers)
        .join_from(chosen, dataset, dataset.c.id == chosen.c.canonical_id)
        .join(namespace, namespace.c.id == dataset.c.namespace_id)
        .order_by(chosen.c.readers.desc(), namespace.c.name, dataset.c.name)
    )
    return [Hub(*row) for row in rows]
