"""Which namespaces a caller may see, as a condition in SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, select, true

from collector.storage.tables import namespace
from lineage.model import entity_id

Visible = frozenset[int] | None
"""Ids of the namespaces that the caller sees; None: all."""


def visible_namespaces(conn: Connection, sees: Callable[[str], bool]) -> frozenset[int]:
    """Give the ids of the namespaces whose names ``sees`` accepts. There are few: one for each database or tool."""
    return frozenset(
        row.id for row in conn.execute(select(namespace.c.id, namespace.c.name)) if sees(row.name)
    )


def within(column: ColumnElement[Any], visible: Visible) -> ColumnElement[bool]:
    """Give the condition that the namespace id in ``column`` is visible."""
    if visible is None:
        return true()
    # Written into the statement, being integers of ours: a driver takes some thousands of parameters only.
    return column.in_(bindparam(None, sorted(visible), expanding=True, literal_execute=True))


def sees(visible: Visible) -> Callable[[str], bool]:
    """Give the test of a namespace's name that ``visible`` stands for."""
    return lambda name: visible is None or entity_id("namespace", name) in visible
