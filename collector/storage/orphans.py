"""Datasets with one side only: read but never written, or written but never read, under any of their names."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, exists

from collector.storage.catalog import Named, list_named
from collector.storage.pages import Key, Page
from collector.storage.tables import dataset, edge
from collector.storage.visibility import Visible
from lineage.model import Direction

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
    return list_named(
        conn,
        "dataset",
        namespace_name=namespace_name,
        q=None,
        visible=visible,
        after=after,
        limit=limit,
        only=(
            dataset.c.id == dataset.c.canonical_id,
            dataset.c.artificial.is_(False),
            _used(has, edge.c.valid_to.is_(None)),
            ~_used(lacks),
        ),
    )


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
