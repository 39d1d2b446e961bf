"""How alerts name datasets."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from collector.storage import labels
from collector.storage.tables import dataset, namespace
from collector.storage.upsert import among
from triggers.breaches import Described


def described(conn: Connection, dataset_ids: Collection[int]) -> dict[int, Described]:
    """Tell how alerts name datasets (canonical ids), of those that are known."""
    if not dataset_ids:
        return {}
    owned, tagged = labels.owners(conn, dataset_ids), labels.tags(conn, dataset_ids)
    named = (
        select(dataset.c.id, namespace.c.name.label("namespace"), dataset.c.name)
        .join_from(dataset, namespace, namespace.c.id == dataset.c.namespace_id)
        .where(among(conn, dataset.c.id, dataset_ids))
    )
    return {
        row.id: Described(
            row.namespace,
            row.name,
            next(iter(owned.get(row.id, ())), None),
            frozenset(tagged.get(row.id, ())),
        )
        for row in conn.execute(named)
    }
