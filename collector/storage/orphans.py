"""Datasets with one side only: read but never written, or written but never read, under any of their names."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, exists, func, select

from collector.storage.catalog import Named
from collector.storage.pages import Key, Page, cut, ordered
from collector.storage.tables import SORT_PREFIX, dataset, edge, namespace
from collector.storage.visibility import Visible, within
from lineage.model import Direction, entity_id

Lack = Literal["never_written", "never_read"]


def list_orphans(
    conn: Connection,
    lack: Lack,
    *,
    namespace_name: str | None,
    visible: Visible,
    after: Key | None,
    limit: int,
) -> Page[Named]:
    """List datasets that some job reads now and none has ever written (``never_written``), or the other way round.

    Namespace by namespace, in each by the first characters of the name. A dataset that was declared to be made from
    others counts as written, and those as read. What stands only for data passed between jobs is left out.
    """
    has, lacks = (
        (Direction.INPUT, Direction.OUTPUT)
        if lack == "never_written"
        else (Direction.OUTPUT, Direction.INPUT)
    )
    beginning = func.substr(dataset.c.name, 1, SORT_PREFIX)
    statement = (
        select(
            dataset.c.id,
            namespace.c.name.label("namespace"),
            dataset.c.name,
            dataset.c.namespace_id,
            beginning.label("beginning"),
        )
        # Outer, so that SQLite does not begin with the few namespaces, and sort all.
        .outerjoin_from(dataset, namespace, namespace.c.id == dataset.c.namespace_id)
        .where(
            dataset.c.id == dataset.c.canonical_id,
            dataset.c.job_id.is_(None),
            dataset.c.artificial.is_(False),
            within(dataset.c.namespace_id, visible),
            _used(has, edge.c.valid_to.is_(None)),
            ~_used(lacks),
        )
    )
    if namespace_name is not None:
        statement = statement.where(dataset.c.namespace_id == entity_id("namespace", namespace_name))
    order = (dataset.c.namespace_id, beginning, dataset.c.id)
    rows = conn.execute(ordered(statement, order, after, limit)).all()
    page = cut(rows, limit, lambda row: (row.namespace_id, row.beginning, row.id))
    return page.map(lambda row: Named(row.id, row.namespace, row.name))


def _used(direction: Direction, *more: ColumnElement[bool]) -> ColumnElement[bool]:
    """Say that some job reads or writes the dataset under any of its names."""
    name: Any = dataset.alias("name")
    return (
        exists()
        .where(
            name.c.canonical_id == dataset.c.id,
            edge.c.dataset_id == name.c.id,
            edge.c.direction == int(direction),
            *more,
        )
        .correlate(dataset)
    )
