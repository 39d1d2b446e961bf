"""Where what triggers wait for comes from: the datasets of their inputs, and the jobs that write them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import Connection, exists, func, select

from collector.storage.tables import dataset, edge, job
from collector.storage.trigger_tables import trigger_binding
from collector.storage.upsert import among
from collector.storage.visibility import Visible, within
from lineage.model import Direction

InputKey = tuple[str, str]
"""(trigger, input)."""


def bound(
    conn: Connection, trigger_ids: Collection[str], visible: Visible, most: int
) -> dict[InputKey, list[int]]:
    """Give the datasets (canonical ids) that inputs of these triggers wait for, of each at most so many.

    Those that the caller may not see are left out.
    """
    table = trigger_binding.c
    place = func.row_number().over(partition_by=(table.trigger_id, table.input_id), order_by=table.dataset_id)
    mine = select(table.trigger_id, table.input_id, table.dataset_id, place.label("place"))
    mine = mine.where(table.trigger_id.in_(trigger_ids))
    if visible is not None:
        same = dataset.c.canonical_id == table.dataset_id
        mine = mine.where(exists().where(same, within(dataset.c.namespace_id, visible)))
    found: dict[InputKey, list[int]] = defaultdict(list)
    placed = mine.subquery()
    for row in conn.execute(select(placed).where(placed.c.place <= most)):
        found[row.trigger_id, row.input_id].append(row.dataset_id)
    return found


def writers(conn: Connection, dataset_ids: Collection[int], visible: Visible) -> dict[int, list[int]]:
    """Give the jobs (ids) that write each of these datasets (canonical ids) now, as far as the caller may see them."""
    if not dataset_ids:
        return {}
    rows = conn.execute(
        select(dataset.c.canonical_id, edge.c.job_id)
        .join_from(dataset, edge, edge.c.dataset_id == dataset.c.id)
        .join(job, job.c.id == edge.c.job_id)
        .where(
            among(conn, dataset.c.canonical_id, dataset_ids),
            edge.c.direction == int(Direction.OUTPUT),
            edge.c.valid_to.is_(None),
            job.c.dataset_id.is_(None),
            within(job.c.namespace_id, visible),
        )
        .distinct()
    )
    found: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        found[row.canonical_id].append(row.job_id)
    return found
