"""Lineage as it is asked for, by HTTP and on the command line, at every level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from collector.api.column_lineage import column_document, columns_around
from collector.api.run_lineage import run_document, runs_around
from collector.api.subgraphs import document
from collector.storage.catalog import resolve_node
from collector.storage.graph import SqlGraph
from collector.storage.visibility import Visible, sees
from lineage.fold import Fold
from lineage.timeline import NOW, Moment
from lineage.traverse import Level, Subgraph, Way, traverse

LEVELS: Final = ("job", "dataset", "column", "run")


@dataclass(frozen=True, slots=True)
class Question:
    """Which part of the graph. ``column:NS:NAME:FIELD`` and ``run:RUNID`` as ``node`` imply their level."""

    node: str
    way: Way
    depth: int
    level: str = "job"
    moment: Moment = NOW
    fold: Fold = Fold.AUTO
    control: bool = False
    indirect: bool = True
    visible: Visible = None
    max_nodes: int = 5000
    skip: int = 0

    @property
    def coarse(self) -> bool:
        """Tell whether the answer is of jobs and datasets, and not of columns or runs."""
        return not self.node.startswith(("column:", "run:")) and self.level in ("job", "dataset")


def answer(conn: Connection, asked: Question) -> dict[str, Any]:
    """Give the answer at any level, as JSON has it.

    Raises:
        NotFound: there is no such node.
        Unprocessable: the node may be several, or has no lineage at the level.
    """
    kind = asked.node.partition(":")[0]
    if kind == "run" or (asked.level == "run" and kind != "column"):
        runs = runs_around(
            conn,
            asked.node,
            asked.way,
            asked.depth,
            visible=asked.visible,
            max_nodes=asked.max_nodes,
            skip=asked.skip,
        )
        return run_document(runs)
    if kind == "column" or asked.level == "column":
        columns = columns_around(
            conn,
            asked.node,
            asked.way,
            asked.depth,
            indirect=asked.indirect,
            moment=asked.moment,
            fold=asked.fold,
            visible=asked.visible,
            max_nodes=asked.max_nodes,
            skip=asked.skip,
        )
        return column_document(columns)
    return document(walk(conn, asked))


def walk(conn: Connection, asked: Question) -> Subgraph:
    """Walk at level ``job`` or ``dataset``; raises as ``answer`` does."""
    return traverse(
        SqlGraph(conn, asked.moment, asked.fold, control=asked.control, sees=sees(asked.visible)),
        resolve_node(conn, asked.node, asked.visible).ref,
        asked.way,
        asked.depth,
        Level(asked.level),
        asked.max_nodes,
        asked.skip,
    )
