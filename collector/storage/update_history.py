"""The updates of many datasets over a stretch of time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import Connection, func, select

from collector.storage.tables import assertion, dataset, dataset_update, facet, namespace
from collector.storage.upsert import among
from lineage.runs import Update


def updates_since(conn: Connection, dataset_ids: Collection[int], since: int) -> dict[int, list[Update]]:
    """Give the updates of datasets (canonical ids) from ``since`` (µs UTC) on, by event time."""
    columns = (dataset_update.c[name] for name in Update._fields)
    wanted = (
        select(dataset.c.canonical_id, *columns)
        .join_from(dataset, dataset_update, dataset_update.c.dataset_id == dataset.c.id)
        .where(among(conn, dataset.c.canonical_id, dataset_ids), dataset_update.c.event_time >= since)
        .order_by(dataset_update.c.event_time)
    )
    found: dict[int, list[Update]] = defaultdict(list)
    for id_, *values in conn.execute(wanted):
        found[id_].append(Update(*values))
    return found


def last_updated(conn: Connection, dataset_ids: Collection[int]) -> dict[int, int]:
    """Give when datasets were updated the last time (µs UTC), those that ever were."""
    newest = (
        select(func.max(dataset_update.c.event_time))
        .where(dataset_update.c.dataset_id == dataset.c.id)
        .correlate(dataset)
        .scalar_subquery()
    )
    named = select(dataset.c.canonical_id, newest).where(among(conn, dataset.c.canonical_id, dataset_ids))
    found: dict[int, int] = {}
    for id_, at in conn.execute(named):
        if at is not None:
            found[id_] = max(at, found.get(id_, at))
    return found


def with_schema(conn: Connection, dataset_ids: Collection[int]) -> set[int]:
    """Give those of which a schema was ever told."""
    told = select(facet.c.hash).where(facet.c.owner_id == dataset.c.id, facet.c.name == "schema")
    named = select(dataset.c.canonical_id).where(among(conn, dataset.c.canonical_id, dataset_ids))
    return set(conn.execute(named.where(told.exists())).scalars())


def checked(conn: Connection, dataset_ids: Collection[int]) -> set[int]:
    """Give those of which a check ever had a result."""
    told = select(assertion.c.key).where(assertion.c.dataset_id == dataset.c.id)
    named = select(dataset.c.canonical_id).where(among(conn, dataset.c.canonical_id, dataset_ids))
    return set(conn.execute(named.where(told.exists())).scalars())


def known(conn: Connection, dataset_ids: Collection[int]) -> set[int]:
    """Give those that any event has named."""
    named = select(dataset.c.canonical_id).where(among(conn, dataset.c.canonical_id, dataset_ids))
    return set(conn.execute(named).scalars())


def names(conn: Connection, limit: int) -> list[tuple[str, str]]:
    """Give namespace and name of datasets, at most ``limit`` of them."""
    named = select(namespace.c.name, dataset.c.name).join_from(
        dataset, namespace, namespace.c.id == dataset.c.namespace_id
    )
    shown = named.where(dataset.c.job_id.is_(None), dataset.c.artificial.is_(False))
    return [(place, name) for place, name in conn.execute(shown.limit(limit))]
