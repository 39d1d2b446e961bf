"""Jobs and datasets by a part of their names, as Marquez's search lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal, select, union_all

from collector.storage.catalog import NodeType
from collector.storage.marquez.hiding import is_shown
from collector.storage.tables import dataset, dataset_update, edge, facet, job, namespace
from collector.storage.visibility import Visible, within
from lineage.model import entity_id

TABLES = {"job": job, "dataset": dataset}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for; times of the last change in µs UTC, ``before`` exclusive."""

    q: str
    kinds: Sequence[NodeType] = ("job", "dataset")
    namespace: str | None = None
    after: int | None = None
    before: int | None = None
    newest_first: bool = False
    """Else by name."""


@dataclass(frozen=True, slots=True)
class Found:
    """A job or dataset; 0 where nothing tells when it last changed."""

    kind: NodeType
    id: int
    namespace: str
    name: str
    updated_at: int


def find(conn: Connection, wanted: Wanted, *, visible: Visible, limit: int) -> list[Found]:
    """Give what contains the text in its name, letter case aside."""
    found = union_all(*(_of(kind, wanted, visible, limit) for kind in wanted.kinds)).subquery()
    by_name = (found.c.name, found.c.namespace, found.c.kind)
    order = (found.c.updated_at.desc(), *by_name) if wanted.newest_first else by_name
    rows = conn.execute(select(found).order_by(*order).limit(limit))
    return [Found(row.kind, row.id, row.namespace, row.name, row.updated_at) for row in rows]


def _of(kind: NodeType, wanted: Wanted, visible: Visible, limit: int) -> Select[Any]:
    table = TABLES[kind]
    updated = _updated(kind)
    statement = (
        select(
            literal(kind).label("kind"),
            table.c.id,
            namespace.c.name.label("namespace"),
            table.c.name,
            updated.label("updated_at"),
        )
        .join_from(table, namespace, namespace.c.id == table.c.namespace_id)
        .where(
            table.c.name.icontains(wanted.q, autoescape=True),
            is_shown(table),
            within(table.c.namespace_id, visible),
        )
    )
    if wanted.namespace is not None:
        statement = statement.where(table.c.namespace_id == entity_id("namespace", wanted.namespace))
    if wanted.after is not None:
        statement = statement.where(updated >= wanted.after)
    if wanted.before is not None:
        statement = statement.where(updated < wanted.before)
    order = (updated.desc(), table.c.name) if wanted.newest_first else (table.c.name, namespace.c.name)
    # Each half is bounded before they are put together, so neither is carried whole.
    return select(statement.order_by(*order).limit(limit).subquery())


def _updated(kind: NodeType) -> ColumnElement[int]:
    if kind == "job":
        return func.coalesce(job.c.last_seen_at, 0)
    written = select(func.max(dataset_update.c.event_time)).where(dataset_update.c.dataset_id == dataset.c.id)
    told = select(func.max(facet.c.last_seen_at)).where(facet.c.owner_id == dataset.c.id)
    named = select(func.max(edge.c.valid_from)).where(edge.c.dataset_id == dataset.c.id)
    ends = (query.correlate(dataset).scalar_subquery() for query in (written, told, named))
    return func.coalesce(*ends, 0)
