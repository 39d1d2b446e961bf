"""Lineage: the part of the graph around a node."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import Connection

from collector.api import log_shapes, parameters
from collector.api.access import principal, visible
from collector.api.native import Native
from collector.api.parameters import bounded
from collector.api.services import reading, services
from collector.storage.catalog import resolve_node
from collector.storage.graph import SqlGraph
from lineage.model import DatasetRef, JobRef
from lineage.traverse import Level, Way, traverse

blueprint = Native("lineage", "The graph of jobs and datasets.")


class SeenGraph(SqlGraph):
    """The graph without the names that the caller may not see; a node without a name is left out of an answer."""

    def __init__(self, conn: Connection, sees: Callable[[str], bool]) -> None:
        super().__init__(conn)
        self._sees = sees

    def jobs(self, job_ids: Collection[int]) -> Mapping[int, JobRef]:
        """Give the names of jobs."""
        found = super().jobs(job_ids)
        return {id_: ref for id_, ref in found.items() if self._sees(ref.namespace)}

    def datasets(self, dataset_ids: Collection[int]) -> Mapping[int, DatasetRef]:
        """Give the names of datasets."""
        found = super().datasets(dataset_ids)
        return {id_: ref for id_, ref in found.items() if self._sees(ref.namespace)}


@blueprint.get("/lineage", log_shapes.Lineage, query=parameters.LineageQuery, missing=True)
def get_lineage(query: dict[str, Any]) -> object:
    """Give the part of the graph around a node.

    Upstream is what it is made from, downstream what is made from it. Edges lead the way the data flows.
    """
    settings = services().settings
    depth = bounded(
        "depth", query.get("depth", min(parameters.DEFAULT_DEPTH, settings.max_depth)), settings.max_depth
    )
    most = bounded("max_nodes", query.get("max_nodes", settings.max_nodes), settings.max_nodes)
    with reading() as conn:
        node = resolve_node(conn, query["node"], visible(conn))
        start = (JobRef if node.type == "job" else DatasetRef)(node.namespace, node.name)
        graph = SeenGraph(conn, principal().sees)
        return traverse(graph, start, Way(query["direction"]), depth, Level(query["level"]), most)
