"""A part of the graph as it is answered; the shape is declared in ``log_shapes.Lineage``."""

from __future__ import annotations

from typing import Any

from collector.api import cursors
from lineage.traverse import Subgraph


def document(subgraph: Subgraph) -> dict[str, Any]:
    """Write a subgraph as JSON has it. By hand: for tens of thousands of nodes marshmallow takes seconds."""
    return {
        "nodes": [
            {
                "id": node.id,
                "type": node.type,
                "namespace": node.namespace,
                "name": node.name,
                "depth": node.depth,
                "names": node.names,
            }
            for node in subgraph.nodes
        ],
        "edges": [
            {"from": source, "to": target, "kind": kind, "via": via}
            for source, target, kind, via in subgraph.links
        ],
        "truncated": subgraph.truncated,
        "next_cursor": None if subgraph.next is None else cursors.encode((subgraph.next,)),
    }
