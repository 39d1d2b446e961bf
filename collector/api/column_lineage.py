"""Column lineage as it is asked for and answered."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields
from sqlalchemy import Connection

from collector.api import cursors
from collector.api.shapes import said
from collector.storage.column_graph import SqlColumns
from collector.storage.column_names import start_columns
from collector.storage.visibility import Visible, sees
from lineage.columns import ColumnLink, ColumnNode, ColumnSubgraph, column_lineage
from lineage.fold import Fold
from lineage.timeline import NOW, Moment
from lineage.traverse import Way


def columns_around(
    conn: Connection,
    node: str,
    way: Way,
    depth: int,
    *,
    indirect: bool = True,
    moment: Moment = NOW,
    fold: Fold = Fold.AUTO,
    visible: Visible = None,
    max_nodes: int = 5000,
    skip: int = 0,
) -> ColumnSubgraph:
    """Walk from ``column:NS:NAME:FIELD``, or from all columns of ``dataset:NS:NAME``.

    Raises ``NotFound`` and ``Unprocessable`` as ``collector.storage.catalog.resolve_node`` does.
    """
    graph = SqlColumns(conn, moment, fold, sees=sees(visible))
    start = start_columns(conn, node, visible)
    return column_lineage(graph, start, way, depth, indirect=indirect, max_nodes=max_nodes, skip=skip)


def column_document(subgraph: ColumnSubgraph) -> dict[str, Any]:
    """Write a subgraph as JSON has it; nodes and edges have what ``ColumnPart`` and ``ColumnEdgePart`` declare."""
    return {
        "nodes": [_node(node) for node in subgraph.nodes],
        "edges": [_edge(link) for link in subgraph.links],
        "truncated": subgraph.truncated,
        "next_cursor": None if subgraph.next is None else cursors.encode((subgraph.next,)),
    }


class ColumnPart(Schema):
    """What the node of a column has besides the name of its dataset."""

    field = fields.String(allow_none=True, metadata=said("at level `column`; null stands for all columns"))
    data_type = fields.String(allow_none=True, metadata=said("of the column, where its schema is known"))


class Transformation(Schema):
    """What is done to a column on the way, as OpenLineage's `columnLineage` has it."""

    type = fields.String(required=True, allow_none=True, metadata=said("`DIRECT` or `INDIRECT`"))
    subtype = fields.String(required=True, allow_none=True, metadata=said("`IDENTITY`, `FILTER`, `JOIN` …"))
    description = fields.String(required=True, allow_none=True)
    masking = fields.Boolean(required=True)


class ColumnEdgePart(Schema):
    """What an edge between columns has besides its ends."""

    transformations = fields.List(fields.Nested(Transformation), metadata=said("at level `column`"))
    masking = fields.Boolean(metadata=said("the values are hidden on the way; at level `column`"))
    indirect = fields.Boolean(
        metadata=said("decides which rows there are or how they are joined, not what stands in them")
    )


def _node(node: ColumnNode) -> dict[str, Any]:
    return {
        "id": node.id,
        "type": node.type,
        "namespace": node.namespace,
        "name": node.name,
        "field": node.field,
        "data_type": node.data_type,
        "depth": node.depth,
        "names": node.names,
    }


def _edge(link: ColumnLink) -> dict[str, Any]:
    return {
        "from": link.source,
        "to": link.target,
        "kind": link.kind,
        "via": link.via,
        "indirect": link.indirect,
        "masking": link.masking,
        "transformations": [each._asdict() for each in link.transformations],
    }
