"""Questions to a part of the graph that has been fetched: paths, single points of failure, cycles.

All take the nodes and links of a ``Subgraph`` as a networkx graph whose edges lead the way data flow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, TypeVar

import networkx as nx

from lineage.traverse import Link, Node, Subgraph

K = TypeVar("K", bound=Hashable)


def digraph(nodes: Iterable[Node], links: Iterable[Link]) -> nx.DiGraph[str]:
    """Make a graph of node ids; each edge carries ``kind`` and ``via`` of its link, each node its ``node``."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from((node.id, {"node": node}) for node in nodes)
    graph.add_edges_from((link.source, link.target, {"kind": link.kind, "via": link.via}) for link in links)
    return graph


def joined(*parts: Subgraph) -> nx.DiGraph[str]:
    """Make one graph of several parts of the same graph."""
    return nx.compose_all([digraph(part.nodes, part.links) for part in parts])


def both_ways(graph: nx.DiGraph[str]) -> nx.DiGraph[str]:
    """Give the graph with an edge back for each edge, with the same ``kind`` and ``via``."""
    both = graph.copy()
    both.add_edges_from((target, source, graph.edges[source, target]) for source, target in graph.edges)
    both.update(graph)
    return both


class Paths(NamedTuple):
    """Some paths, each a list of node ids, the shortest first; ``truncated``: there are more."""

    paths: list[list[str]]
    truncated: bool


def paths(graph: nx.DiGraph[str], source: str, target: str, most: int, longest: int) -> Paths:
    """Give at most ``most`` simple paths of at most ``longest`` edges from one node to another, the shortest first."""
    if source not in graph or target not in graph:
        return Paths([], False)
    # Paths lie where what the source reaches meets what reaches the target: most of the graph does not.
    on_the_way = (nx.descendants(graph, source) | {source}) & (nx.ancestors(graph, target) | {target})
    if target not in on_the_way:
        return Paths([], False)
    # Sorted, so that of paths of one length always the same come first.
    between: nx.DiGraph[str] = nx.DiGraph()
    between.add_nodes_from(sorted(on_the_way))
    between.add_edges_from(sorted(graph.subgraph(on_the_way).edges))
    found: list[list[str]] = []
    for path in islice(nx.shortest_simple_paths(between, source, target), most + 1):
        if len(path) - 1 > longest:
            return Paths(found, True)
        found.append(path)
    return Paths(found[:most], len(found) > most)


@dataclass(frozen=True, slots=True)
class Gate:
    """A node without which others are cut off from the one that was asked about."""

    id: str
    cut_off: int
    """How many other nodes are joined to the one asked about only through this."""
    everything: bool
    """All sources, or all final consumers, are: nothing gets past it."""


def gates(graph: nx.DiGraph[str], node: str, *, upstream: bool) -> list[Gate]:
    """Give the single points of failure between ``node`` and its sources (or, downstream, its final consumers).

    These are its dominators: in the tree of immediate dominators seen from ``node``, what lies below a gate is reached
    only through it. First come those that everything passes, then those that cut off most. A source is a node that
    nothing leads to, or a cycle that nothing outside leads into.
    """
    seen_from = graph.reverse(copy=False) if upstream else graph
    reached = seen_from.subgraph(nx.descendants(seen_from, node) | {node})
    parents = nx.immediate_dominators(reached, node)
    ends = _ends(reached) - {node}
    below: Counter[str] = Counter()
    ends_below: Counter[str] = Counter()
    depths: dict[str, int] = {node: 0}

    def depth(each: str) -> int:
        """Count the gates on the way to a node, without recursion: a chain may be long."""
        chain = []
        while each not in depths:
            chain.append(each)
            each = parents[each]
        for at in reversed(chain):
            depths[at] = depths[parents[at]] + 1
        return depths[chain[0] if chain else each]

    for each in sorted(reached.nodes - {node}, key=depth, reverse=True):
        ends_below[each] += each in ends
        if parents[each] != node:
            below[parents[each]] += below[each] + 1
            ends_below[parents[each]] += ends_below[each]
    found = [
        Gate(each, below[each], bool(ends) and ends_below[each] == len(ends))
        for each in reached.nodes - {node}
        if below[each] or (ends and ends_below[each] == len(ends))
    ]
    return sorted(found, key=lambda gate: (not gate.everything, -gate.cut_off, gate.id))


def _ends(graph: nx.DiGraph[str]) -> set[str]:
    """Give the nodes where ways end: the members of components that nothing leads out of."""
    components = nx.condensation(graph)
    return {
        member
        for component, out in components.out_degree
        if not out
        for member in components.nodes[component]["members"]
    }


def circles(graph: nx.DiGraph[K]) -> list[set[K]]:
    """Give the sets of nodes of which each leads to every other, the largest first; a single node is none."""
    found = [component for component in nx.strongly_connected_components(graph) if len(component) > 1]
    return sorted(found, key=lambda component: (-len(component), str(min(component, key=str))))


def round_trip(graph: nx.DiGraph[K], circle: set[K], start: K) -> list[K]:
    """Give a shortest way from a node of a circle back to it; that node begins and ends the list."""
    inside = graph.subgraph(circle)
    back = [node for node in inside.predecessors(start) if node != start]
    ways = nx.single_source_shortest_path(inside, start)
    return [
        *min((ways[node] for node in back), key=lambda way: (len(way), [str(node) for node in way])),
        start,
    ]
