"""Which edges count at a moment, as a condition in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, or_

from collector.storage.tables import edge
from lineage.timeline import Moment


def valid(moment: Moment, edges: FromClause = edge) -> ColumnElement[bool]:
    """Give the condition that a row of ``edge``, or of an alias of it, is valid at the moment."""
    begins: Any = edges.c.valid_from
    ends: Any = edges.c.valid_to
    if moment.at is None:
        still_open: ColumnElement[bool] = ends.is_(None)
        return still_open
    return and_(begins <= moment.at, or_(ends.is_(None), ends > moment.since))
