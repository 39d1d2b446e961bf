"""Namespaces, and what lists of names have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection

from collector.api import cursors, parameters, shapes
from collector.api.access import visible
from collector.api.native import Native
from collector.api.parameters import limit_of
from collector.api.services import reading
from collector.storage import catalog
from collector.storage.pages import Page
from collector.storage.visibility import Visible

blueprint = Native("names", "Namespaces.")

MOST_EDGES = 1000
"""Datasets that the answer about one job names, and jobs that the answer about one dataset names."""


@blueprint.get("/namespaces", shapes.Namespaces, query=parameters.Paged)
def list_namespaces(query: dict[str, Any]) -> object:
    """List namespaces."""
    after = cursors.decode(query.get("cursor"), cursors.BY_NAMESPACE)
    limit = limit_of(query)
    with reading() as conn:
        return cursors.answer(catalog.list_namespaces(conn, visible=visible(conn), after=after, limit=limit))


def named_page(
    conn: Connection,
    kind: catalog.NodeType,
    query: dict[str, Any],
    seen: Visible,
    only: Sequence[ColumnElement[bool]] = (),
) -> Page[catalog.Named]:
    """Read the page of jobs or datasets that a ``NamesQuery`` asks for, of the namespaces that the caller sees."""
    return catalog.list_named(
        conn,
        kind,
        namespace_name=query.get("namespace"),
        q=query.get("q"),
        visible=seen,
        after=cursors.decode(query.get("cursor"), cursors.BY_NAME),
        limit=limit_of(query),
        only=only,
    )
