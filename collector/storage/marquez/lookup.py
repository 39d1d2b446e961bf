"""Telling which of several readings of a path names what is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Table, select

from collector.storage.marquez.job_names import find_jobs
from collector.storage.tables import dataset, namespace, namespace_note
from collector.storage.upsert import among
from collector.storage.visibility import Visible, within
from lineage.model import entity_id


class Wanted(NamedTuple):
    """The names in a path; None where it has no such part."""

    namespace: str | None
    job: str | None
    dataset: str | None


def known(conn: Connection, wanted: Sequence[Wanted], visible: Visible) -> list[int]:
    """Tell of each how much of it is there: 2 all, 1 the namespace, or there is none in it, 0 not even that."""
    spaces = {entity_id("namespace", names.namespace) for names in wanted if names.namespace is not None}
    there = _among(conn, namespace, spaces, visible)
    noted = select(namespace_note.c.namespace_id).where(among(conn, namespace_note.c.namespace_id, spaces))
    there |= set(conn.execute(noted.where(within(namespace_note.c.namespace_id, visible))).scalars())
    jobs = find_jobs(
        conn,
        {
            (names.namespace, names.job)
            for names in wanted
            if names.namespace is not None and names.job is not None
        },
        visible,
    )
    ids = {
        entity_id("dataset", names.namespace, names.dataset)
        for names in wanted
        if names.namespace is not None and names.dataset is not None
    }
    datasets = _among(conn, dataset, ids, visible)
    ranks = []
    for place, job, data in wanted:
        if place is None:
            ranks.append(1)
        elif job is not None:
            ranks.append(2 if (place, job) in jobs else entity_id("namespace", place) in there)
        elif data is not None:
            ranks.append(
                2 if entity_id("dataset", place, data) in datasets else entity_id("namespace", place) in there
            )
        else:
            ranks.append(2 * (entity_id("namespace", place) in there))
    return ranks


def _among(conn: Connection, table: Table, ids: set[int], visible: Visible) -> set[int]:
    column = table.c.id if table is namespace else table.c.namespace_id
    return set(
        conn.execute(
            select(table.c.id).where(among(conn, table.c.id, ids), within(column, visible))
        ).scalars()
    )
