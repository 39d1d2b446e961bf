"""Lineage: the part of the graph around a node."""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import Connection

from collector.api import cursors, log_shapes, parameters
from collector.api.access import principal, visible
from collector.api.native import Native
from collector.api.parameters import bounded
from collector.api.services import reading, services
from collector.api.subgraphs import document
from collector.storage.catalog import resolve_node
from collector.storage.graph import SqlGraph
from collector.times import now_us
from lineage.fold import Fold
from lineage.model import DatasetRef, JobRef
from lineage.timeline import NOW, Moment
from lineage.traverse import Level, Subgraph, Way, traverse

blueprint = Native("lineage", "The graph of jobs and datasets.")


@blueprint.get("/lineage", log_shapes.Lineage, query=parameters.LineageQuery, missing=True)
def get_lineage(query: dict[str, Any]) -> object:
    """Give the part of the graph around a node.

    Upstream is what it is made from, downstream what is made from it. Edges lead the way the data flows.
    """
    with reading() as conn:
        return current_app.json.response(document(around(conn, query)))


def around(conn: Connection, query: dict[str, Any]) -> Subgraph:
    """Walk as ``parameters.LineageQuery`` asks."""
    settings = services().settings
    skip = cursors.decode(query.get("cursor"), cursors.SKIP)
    node = resolve_node(conn, query["node"], visible(conn))
    return traverse(
        graph_of(conn, query),
        (JobRef if node.type == "job" else DatasetRef)(node.namespace, node.name),
        Way(query["direction"]),
        depth_of(query),
        Level(query["level"]),
        bounded("max_nodes", query.get("max_nodes", settings.max_nodes), settings.max_nodes),
        0 if skip is None else skip[0],
    )


def graph_of(conn: Connection, query: dict[str, Any]) -> SqlGraph:
    """Give the graph at the moment, folded and with the names that the caller may see."""
    return SqlGraph(
        conn,
        moment_of(query),
        Fold(query.get("fold", Fold.AUTO)),
        control=query.get("control", False),
        sees=principal().sees,
    )


def moment_of(query: dict[str, Any]) -> Moment:
    """Give the moment that ``parameters.MomentQuery`` asks for."""
    if "window" in query:
        return Moment(query.get("as_of", now_us()), query["window"])
    return Moment(query["as_of"]) if "as_of" in query else NOW


def depth_of(query: dict[str, Any]) -> int:
    """Give the depth of a walk."""
    most = services().settings.max_depth
    return bounded("depth", query.get("depth", min(parameters.DEFAULT_DEPTH, most)), most)
