"""Which edges count at a moment, as a condition in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, or_

from collector.storage.tables import edge
from lineage.timeline import Moment


def valid(moment: Moment, edges: FromClause = edge) -> ColumnElement[bool]:
    """Give the condition that a row of ``edge``, or of an alias of it, is valid at the moment."""
    return valid_between(moment.since, moment.at, edges)


def valid_between(since: Any, at: Any, edges: FromClause = edge) -> ColumnElement[bool]:
    """Give the condition that a row is valid at some time between two instants; ``at`` None: that it is open."""
    begins: Any = edges.c.valid_from
    ends: Any = edges.c.valid_to
    still_open: ColumnElement[bool] = ends.is_(None)
    return still_open if at is None else and_(begins <= at, or_(still_open, ends > since))
