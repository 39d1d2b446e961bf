"""Lineage of runs as it is asked for and answered."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields
from sqlalchemy import Connection

from collector.api import cursors
from collector.api.fields import Instant
from collector.api.shapes import Name, said
from collector.storage.run_graph import SqlRuns, resolve_run
from collector.storage.visibility import Visible, sees
from collector.times import iso
from lineage.run_lineage import RunNode, RunSubgraph, run_lineage
from lineage.traverse import Way


def runs_around(
    conn: Connection,
    node: str,
    way: Way,
    depth: int,
    *,
    visible: Visible = None,
    max_nodes: int = 5000,
    skip: int = 0,
) -> RunSubgraph:
    """Walk from ``run:RUNID``, or ``run:RUNID:job:NS:NAME``.

    Raises ``NotFound`` and ``Unprocessable`` as ``collector.storage.run_graph.resolve_run`` does.
    """
    start = resolve_run(conn, node, visible)
    return run_lineage(SqlRuns(conn, sees(visible)), start, way, depth, max_nodes=max_nodes, skip=skip)


def run_document(subgraph: RunSubgraph) -> dict[str, Any]:
    """Write a subgraph as JSON has it; nodes and edges have what ``RunPart`` and ``RunEdgePart`` declare."""
    return {
        "nodes": [_node(node) for node in subgraph.nodes],
        "edges": [
            {"from": link.source, "to": link.target, "kind": link.kind, "via": (), "datasets": link.datasets}
            for link in subgraph.links
        ],
        "truncated": subgraph.truncated,
        "next_cursor": None if subgraph.next is None else cursors.encode((subgraph.next,)),
    }


class RunInput(Name):
    """A dataset that a run read."""

    version = fields.String(required=True, allow_none=True, metadata=said("as the run itself names it"))
    writer = fields.String(
        required=True, allow_none=True, metadata=said("id of the run whose update it read; null: unknown")
    )


class RunPart(Schema):
    """What the node of a run has besides the name of its job; with `state`, a job has it of its newest run."""

    run_id = fields.String(
        allow_none=True, metadata=said("at level `run`; `namespace` and `name` are then its job's")
    )
    state = fields.String(
        allow_none=True,
        metadata=said("of the run; with `state` of a dataset how it stands, null: nothing is expected of it"),
    )
    started_at = Instant(allow_none=True)
    ended_at = Instant(allow_none=True)
    inputs = fields.List(
        fields.Nested(RunInput),
        allow_none=True,
        metadata=said("what the run read; null where the walk went no further"),
    )


class RunEdgePart(Schema):
    """What an edge between runs has besides its ends."""

    datasets = fields.List(
        fields.String(), metadata=said("what one wrote and the other read; at level `run`")
    )


def _node(node: RunNode) -> dict[str, Any]:
    return {
        "id": node.id,
        "type": node.type,
        "namespace": node.job.namespace,
        "name": node.job.name,
        "run_id": node.run_id,
        "state": node.state,
        "started_at": iso(node.started_at),
        "ended_at": iso(node.ended_at),
        "inputs": None
        if node.inputs is None
        else [
            {"namespace": read.namespace, "name": read.name, "version": read.version, "writer": read.writer}
            for read in node.inputs
        ],
        "depth": node.depth,
        "names": (),
    }
