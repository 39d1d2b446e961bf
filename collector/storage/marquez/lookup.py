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

THERE = 2
"""All that a path names is there."""


class Wanted(NamedTuple):
    """The names in a path; None where it has no such part."""

    namespace: str | None
    job: str | None
    dataset: str | None


def known(conn: Connection, wanted: Sequence[Wanted], visible: Visible) -> list[int]:
    """Tell of each how much of it is there: all (``THERE``), its namespace (1), nothing (0).

    What names no namespace is not looked for.
    """
    in_some = [names for names in wanted if names.namespace is not None]
    spaces = {entity_id("namespace", names.namespace or "") for names in in_some}
    there = _among(conn, namespace, spaces, visible)
    noted = select(namespace_note.c.namespace_id).where(among(conn, namespace_note.c.namespace_id, spaces))
    there |= set(conn.execute(noted.where(within(namespace_note.c.namespace_id, visible))).scalars())
    jobs = find_jobs(
        conn, {(names.namespace or "", names.job) for names in in_some if names.job is not None}, visible
    )
    ids = {entity_id("dataset", names.namespace or "", names.dataset or "") for names in in_some}
    datasets = _among(conn, dataset, ids, visible)

    def rank(names: Wanted) -> int:
        place, job, data = names
        if place is None:
            return 0
        if (place, job) in jobs or (data is not None and entity_id("dataset", place, data) in datasets):
            return THERE
        found = entity_id("namespace", place) in there
        return THERE if found and job is None and data is None else int(found)

    return [rank(names) for names in wanted]


def _among(conn: Connection, table: Table, ids: set[int], visible: Visible) -> set[int]:
    column = table.c.id if table is namespace else table.c.namespace_id
    return set(
        conn.execute(
            select(table.c.id).where(among(conn, table.c.id, ids), within(column, visible))
        ).scalars()
    )
