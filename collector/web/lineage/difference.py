"""Two graphs as one: what has come since the earlier, what has gone, and the same told in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from collector.web.lineage.graph import Graph


def union(now: Graph, then: Graph) -> Graph:
    """Give both graphs in one, so that they are laid out once; each node and edge says what became of it."""
    both = Graph(now.focus, dict(now.nodes), dict(now.edges))
    for id_, node in then.nodes.items():
        if id_ in now.nodes:
            continue
        node.change = "removed"
        both.nodes[id_] = node
    for id_, node in now.nodes.items():
        if id_ not in then.nodes:
            node.change = "added"
    for ends, edge in now.edges.items():
        if ends not in then.edges:
            both.edges[ends] = replace(edge, change="added")
    for ends, edge in then.edges.items():
        if ends not in now.edges:
            both.edges[ends] = replace(edge, change="removed")
    return both


def mark_changed(graph: Graph, changes: Mapping[str, Any]) -> dict[str, list[str]]:
    """Mark the nodes whose schema or code changed; give what is said of each."""
    said: dict[str, list[str]] = {}
    for item in changes["items"]:
        node = graph.nodes.get(item["node"])
        if item["kind"] in ("schema", "code") and node is not None:
            node.change = node.change or "changed"
            said.setdefault(node.id, []).append(item["what"])
    return said
