"""``/column-lineage``: of which columns a column is made, and with ``withDownstream`` what is made of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy import Connection

from collector.api.access import principal, visible
from collector.api.marquez.node_ids import RUN, NodeId, Written, field_id, read
from collector.api.marquez.nodes import find_node
from collector.api.marquez.parameters import flag, required, whole
from collector.api.marquez.refusals import NoSuchPath
from collector.api.marquez.routing import Routes
from collector.api.services import reading, services
from collector.errors import NotFound
from collector.storage.column_graph import SqlColumns
from collector.storage.column_names import columns_of
from collector.storage.marquez.dataset_pages import dataset_rows
from collector.storage.marquez.dataset_versions import DatasetVersion, current_version, find_version
from collector.storage.visibility import sees
from lineage.columns import Column, ColumnLink, ColumnNode, ColumnSubgraph, column_lineage
from lineage.fold import Fold
from lineage.model import DatasetRef, Direction, JobRef
from lineage.timeline import NOW, Moment
from lineage.traverse import Way

routes = Routes()

DEFAULT_DEPTH = 20

Json = dict[str, Any]


@routes.get("/column-lineage")
def get_column_lineage() -> object:
    """Give the columns around a column, those of a dataset, or those that a job writes."""
    asked, depth = required("nodeId"), whole("depth", DEFAULT_DEPTH, least=None)
    downstream = flag("withDownstream")
    written = read(asked)
    if written is None:
        raise NoSuchPath
    if written.type == RUN:
        raise NotFound("Could not find node")
    if written.version is not None and downstream:
        return Response(status=400)
    with reading() as conn:
        node, ref = find_node(conn, written)
        version = _version(conn, written, ref)
        # As the columns were made when that version was.
        moment = NOW if version is None else Moment(version.created_at)
        graph = SqlColumns(conn, moment, Fold.NONE, sees=sees(visible(conn)))
        start = _start(conn, graph, node, ref)
        if not start:
            raise NotFound("Could not find node")
        way = Way.BOTH if downstream else Way.UPSTREAM
        found = column_lineage(graph, start, way, max(depth, 0), max_nodes=services().settings.max_nodes)
        refs = {DatasetRef(each.namespace, each.name) for each in found.nodes}
        rows = dataset_rows(conn, [each.id for each in refs], principal().sees)
    versions = {each: current_version(rows[each.id]).uuid for each in refs}
    if version is not None and isinstance(ref, DatasetRef):
        versions[ref] = version.uuid
    return {"graph": _nodes(found, versions, with_version=version is not None)}


def _start(conn: Connection, graph: SqlColumns, node: NodeId, ref: JobRef | DatasetRef) -> list[Column]:
    kind, id_ = graph.start(ref)
    if kind == "job":
        return columns_of(
            conn, {step.far for step in graph.from_jobs([id_], Direction.OUTPUT)}, principal().sees
        )
    columns = columns_of(conn, [id_], principal().sees)
    if node.field is None:
        return columns
    same = [column for column in columns if column.field == node.field]
    return same or [column for column in columns if (column.field or "").lower() == node.field.lower()]


def _version(conn: Connection, written: Written, ref: JobRef | DatasetRef) -> DatasetVersion | None:
    """Give the version of the dataset that is asked for; None if none is."""
    if written.version is None or not isinstance(ref, DatasetRef):
        return None
    found = find_version(conn, dataset_rows(conn, [ref.id], principal().sees)[ref.id], UUID(written.version))
    if found is None:
        raise NotFound("Could not find node")
    return found


def _nodes(found: ColumnSubgraph, versions: Mapping[DatasetRef, str], *, with_version: bool) -> list[Json]:
    """Give the nodes in the order of their ids. What concerns whole datasets is none of Marquez's column lineage."""
    columns: dict[str, tuple[ColumnNode, str]] = {}
    for node in found.nodes:
        if node.field is not None:
            id_ = field_id(node.namespace, node.name, node.field)
            version = versions[DatasetRef(node.namespace, node.name)]
            columns[node.id] = node, f"{id_}#{version}" if with_version else id_
    sources: dict[str, list[ColumnLink]] = defaultdict(list)
    targets: dict[str, list[str]] = defaultdict(list)
    for link in found.links:
        if link.source in columns and link.target in columns:
            sources[link.target].append(link)
            targets[link.source].append(columns[link.target][1])
    nodes = []
    for key, (node, id_) in columns.items():
        made_of = sorted(sources[key], key=lambda link: columns[link.source][1])
        inputs = [_input(columns[link.source][0], link, versions) for link in made_of]
        kinds = {(each["transformationDescription"], each["transformationType"]) for each in inputs}
        description, kind = kinds.pop() if len(kinds) == 1 else (None, None)
        data = _column(node, versions) | {
            # Of a column that only others are made of, Marquez knows no type.
            "fieldType": (node.data_type or "") if made_of else "",
            "transformationDescription": description,
            "transformationType": kind,
            "inputFields": inputs,
        }
        nodes.append(
            {
                "id": id_,
                "type": "DATASET_FIELD",
                "data": data,
                # The wrong way round, and its web UI reads them so.
                "inEdges": [{"origin": id_, "destination": columns[link.source][1]} for link in made_of],
                "outEdges": [{"origin": id_, "destination": target} for target in sorted(targets[key])],
            }
        )
    return sorted(nodes, key=lambda each: str(each["id"]))


def _input(node: ColumnNode, link: ColumnLink, versions: Mapping[DatasetRef, str]) -> Json:
    first = link.transformations[0] if link.transformations else None
    return _column(node, versions) | {
        "transformationDescription": None if first is None else first.description,
        "transformationType": None if first is None else first.type,
    }


def _column(node: ColumnNode, versions: Mapping[DatasetRef, str]) -> Json:
    return {
        "namespace": node.namespace,
        "dataset": node.name,
        "datasetVersion": versions[DatasetRef(node.namespace, node.name)],
        "field": node.field,
    }
