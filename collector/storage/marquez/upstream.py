"""From a run to the runs that wrote what it read, and on from those: lineage between runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from collector.storage.catalog import Named
from collector.storage.tables import dataset, dataset_update, namespace, run, run_io
from collector.storage.upsert import among
from collector.storage.visibility import Visible, within
from lineage.model import Direction

MOST_RUNS = 10_000
"""No further step is taken from here on: the steps before are complete."""


@dataclass(frozen=True, slots=True)
class Read:
    """What a run read: the dataset, and the update of it that was there when the run began, if one is known."""

    dataset: Named
    written_at: int | None
    """µs UTC."""
    written_by: int | None
    """Row of the run that wrote it; None for what came from outside, and for a declaration."""


def upstream(
    conn: Connection, run_rows: Collection[int], depth: int, visible: Visible
) -> dict[int, list[Read]]:
    """Give what these runs read and, ``depth`` steps up, what the runs read that wrote it: by row of the run.

    In the order in which the runs are met; two statements a step.
    """
    found: dict[int, list[Read]] = {}
    frontier = list(dict.fromkeys(run_rows))
    for _ in range(depth + 1):
        reads = _reads(conn, frontier, visible)
        found.update({row: reads.get(row, []) for row in frontier})
        writers = (read.written_by for row in frontier for read in found[row])
        frontier = list(dict.fromkeys(row for row in writers if row is not None and row not in found))
        if not frontier or len(found) >= MOST_RUNS:
            break
    return found


def _reads(conn: Connection, run_rows: Collection[int], visible: Visible) -> dict[int, list[Read]]:
    name = dataset.alias("name")
    began = func.coalesce(run.c.started_at, run.c.first_event_at)
    before = (dataset_update.c.dataset_id == name.c.id, dataset_update.c.event_time <= began)
    # The update that was there, under each name of the dataset: the end of one stretch of the primary key.
    newest = (dataset_update.c.event_time.desc(), dataset_update.c.run_id.desc())
    last = [
        select(column).where(*before).order_by(*newest).limit(1).correlate(name, run).scalar_subquery()
        for column in (dataset_update.c.event_time, dataset_update.c.run_id)
    ]
    statement = (
        select(run_io.c.run_id, dataset.c.id, namespace.c.name, dataset.c.name, *last)
        .join_from(run_io, run, run.c.id == run_io.c.run_id)
        .join(dataset, dataset.c.id == run_io.c.dataset_id)
        .join(namespace, namespace.c.id == dataset.c.namespace_id)
        .join(name, name.c.canonical_id == dataset.c.canonical_id)
        .where(
            among(conn, run_io.c.run_id, run_rows),
            run_io.c.direction == int(Direction.INPUT),
            dataset.c.job_id.is_(None),
            within(dataset.c.namespace_id, visible),
        )
    )
    best: dict[tuple[int, Named], tuple[int, int] | None] = {}
    for row, id_, place, own, at, writer in conn.execute(statement):
        key = (row, Named(id_, place, own))
        known = best.get(key)
        if at is None:
            best.setdefault(key, None)
        elif known is None or (at, writer) > known:
            best[key] = (at, writer)
    writers = {pair[1] for pair in best.values() if pair is not None}
    # A declaration takes its place among the runs, and is none.
    chosen = select(run.c.id).where(among(conn, run.c.id, writers), run.c.declared.is_(False))
    runs = set(conn.execute(chosen).scalars())
    reads: dict[int, list[Read]] = defaultdict(list)
    for (row, named), update in sorted(
        best.items(), key=lambda item: (item[0][1].namespace, item[0][1].name)
    ):
        at, writer = update or (None, None)
        reads[row].append(Read(named, at, writer if writer in runs else None))
    return reads
