"""Lineage finer than jobs and datasets: of columns, and of runs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from collector.api.column_lineage import column_document, columns_around
from collector.api.run_lineage import run_document, runs_around
from collector.storage.visibility import Visible
from lineage.fold import Fold
from lineage.timeline import NOW, Moment
from lineage.traverse import Way


def fine_lineage(
    conn: Connection,
    node: str,
    level: str,
    way: Way,
    depth: int,
    *,
    indirect: bool = True,
    moment: Moment = NOW,
    fold: Fold = Fold.AUTO,
    visible: Visible = None,
    max_nodes: int = 5000,
    skip: int = 0,
) -> dict[str, Any] | None:
    """Give the answer at level ``column`` or ``run``, as JSON has it; None at any other level.

    ``column:NS:NAME:FIELD`` and ``run:RUNID`` imply their level. Raises ``NotFound`` and ``Unprocessable``, also for a
    node that has no lineage at the level.
    """
    kind = node.partition(":")[0]
    if kind == "run" or (level == "run" and kind != "column"):
        return run_document(
            runs_around(conn, node, way, depth, visible=visible, max_nodes=max_nodes, skip=skip)
        )
    if kind == "column" or level == "column":
        found = columns_around(
            conn,
            node,
            way,
            depth,
            indirect=indirect,
            moment=moment,
            fold=fold,
            visible=visible,
            max_nodes=max_nodes,
            skip=skip,
        )
        return column_document(found)
    return None
