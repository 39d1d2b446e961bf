"""Versions of a dataset: one for each run, or declaration, that brought new data.

A dataset that no run has written (somebody else's table) has one version nevertheless: as it was found.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from collector.storage.facet_reads import DELETED, FacetVersion, bodies_of
from collector.storage.marquez.dataset_pages import DatasetRow
from collector.storage.marquez.identifiers import dataset_version_uuid, run_of_version
from collector.storage.tables import dataset_update, facet, run, run_io
from collector.storage.upsert import among
from lineage.model import Direction


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """A version. ``run_row`` is the number of the row of the run that made it, 0 for none; time in µs UTC."""

    dataset_id: int
    run_row: int
    created_at: int

    @property
    def uuid(self) -> str:
        return dataset_version_uuid(self.dataset_id, self.run_row)


def current_version(row: DatasetRow) -> DatasetVersion:
    """Give the version that a dataset is now."""
    if row.written is None:
        return as_found(row)
    at, dataset_id, run_row = row.written
    return DatasetVersion(dataset_id, run_row, at)


def as_found(row: DatasetRow) -> DatasetVersion:
    """Give the version that no run of ours has made."""
    return DatasetVersion(row.named.id, 0, row.created_at)


def page_of_versions(
    conn: Connection, row: DatasetRow, *, limit: int, offset: int
) -> tuple[list[DatasetVersion], int]:
    """Give a page of the versions, the newest first, and how many there are."""
    if row.written is None:
        return ([as_found(row)] if limit and not offset else []), 1
    mine = dataset_update.c.dataset_id.in_(row.names)
    newest = (dataset_update.c.event_time.desc(), dataset_update.c.run_id.desc())
    columns = (dataset_update.c.dataset_id, dataset_update.c.run_id, dataset_update.c.event_time)
    rows = conn.execute(select(*columns).where(mine).order_by(*newest).limit(limit).offset(offset))
    total = conn.execute(select(func.count()).select_from(dataset_update).where(mine)).scalar_one()
    return [DatasetVersion(*values) for values in rows], total


def find_version(conn: Connection, row: DatasetRow, version: uuid.UUID) -> DatasetVersion | None:
    """Give the version with this UUID; also one that a run has begun to write, or could not finish."""
    known = run_of_version(list(row.names), version)
    if known is None:
        return None
    dataset_id, run_row = known
    if run_row == 0:
        return DatasetVersion(dataset_id, 0, row.created_at)
    brought = select(func.max(dataset_update.c.event_time)).where(
        dataset_update.c.dataset_id == dataset_id, dataset_update.c.run_id == run_row
    )
    written = (
        select(run.c.first_event_at, brought.scalar_subquery().label("at"))
        .join_from(run, run_io, run_io.c.run_id == run.c.id)
        .where(
            run.c.id == run_row,
            run_io.c.dataset_id == dataset_id,
            run_io.c.direction == int(Direction.OUTPUT),
        )
    )
    found = conn.execute(written).one_or_none()
    if found is None:
        return None
    return DatasetVersion(dataset_id, run_row, found.at if found.at is not None else found.first_event_at)


def facets_at(
    conn: Connection, dataset_ids: Collection[int], instants: Sequence[int]
) -> list[dict[str, FacetVersion]]:
    """Give the facets that a dataset, by any of its names, had at each of these times.

    Of each name the body seen last by then. One first seen later counts where there was none yet: the events of one
    run do not tell in order what they have in common.
    """
    rows = conn.execute(select(facet).where(among(conn, facet.c.owner_id, dataset_ids))).all()
    by_name: dict[str, list[Any]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row)
    chosen = [
        {name: max(some, key=lambda row: _nearness(row, instant)) for name, some in by_name.items()}
        for instant in instants
    ]
    there = [{name: row for name, row in some.items() if row.hash != DELETED} for some in chosen]
    bodies = bodies_of(conn, {row.hash for some in there for row in some.values()})
    return [
        {
            name: FacetVersion(bodies[row.hash], row.first_seen_at, row.last_seen_at)
            for name, row in some.items()
        }
        for some in there
    ]


def _nearness(row: Any, instant: int) -> tuple[bool, int, int, bytes]:
    begun = row.first_seen_at <= instant
    return begun, min(row.last_seen_at, instant) if begun else -row.first_seen_at, row.first_seen_at, row.hash
