"""All edges that are open, as far as one question may look at them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import Connection, select

from collector.storage.tables import dataset, derivation, edge
from collector.storage.upsert import among
from lineage.circulation import Use
from lineage.model import Direction


def open_edges(conn: Connection, most: int) -> tuple[list[Use], bool]:
    """Give at most ``most`` of the open edges along which data flow, job by job, and whether there are more."""
    statement = (
        select(
            edge.c.job_id,
            dataset.c.canonical_id,
            edge.c.direction,
            edge.c.derivation_id,
            edge.c.implied,
        )
        .outerjoin_from(edge, dataset, dataset.c.id == edge.c.dataset_id)
        .where(edge.c.valid_to.is_(None), edge.c.direction.in_([int(Direction.INPUT), int(Direction.OUTPUT)]))
        .order_by(edge.c.job_id, edge.c.dataset_id)
        .limit(most + 1)
    )
    rows = [Use._make(row) for row in conn.execute(statement).all()]
    return rows[:most], len(rows) > most


def sources_of(conn: Connection, derivation_ids: Collection[int]) -> dict[int, set[int]]:
    """Give the canonical ids of the datasets that derivations name as sources."""
    found: dict[int, set[int]] = defaultdict(set)
    if derivation_ids:
        statement = select(derivation.c.id, dataset.c.canonical_id).join_from(
            derivation, dataset, dataset.c.id == derivation.c.dataset_id
        )
        for id_, canonical_id in conn.execute(
            statement.where(among(conn, derivation.c.id, derivation_ids)).distinct()
        ):
            found[id_].add(canonical_id)
    return found
