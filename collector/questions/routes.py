"""How data get from one node to another: all ways, what all of them pass through, and where they run in circles."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import networkx as nx

from collector.questions.scope import Scope
from collector.storage.flows import open_edges, sources_of
from lineage.circulation import rings
from lineage.topology import Gate, both_ways, circles, digraph, gates, joined, paths, round_trip
from lineage.traverse import Level, Node, Way, text, traverse
from lineage.undirected import Undirected

MOST_LISTED: Final = 1000
"""Datasets of one cycle that are listed."""


@dataclass(frozen=True, slots=True)
class Step:
    """From one node of a path to the next; ``via`` lists the jobs between two datasets."""

    source: str
    target: str
    kind: str
    via: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Path:
    """A way from one node to another, in order; a step against the flow has its ends the way the data flow."""

    nodes: list[str]
    steps: list[Step]

    @property
    def length(self) -> int:
        return len(self.steps)


@dataclass(frozen=True, slots=True)
class Routes:
    """Paths, the shortest first. ``truncated``: there may be more."""

    source: str
    target: str
    paths: list[Path]
    truncated: bool


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """A single point of failure."""

    node: Node
    gate: Gate


@dataclass(frozen=True, slots=True)
class Bottlenecks:
    """The single points of failure on one side of a node, the gravest first; ``reached`` nodes were looked at."""

    node: str
    bottlenecks: list[Bottleneck]
    reached: int
    truncated: bool


@dataclass(frozen=True, slots=True)
class Cycle:
    """Datasets each of which is made, in the end, of every other, ``size`` of them; and a shortest way round."""

    size: int
    datasets: list[str]
    example: Path


@dataclass(frozen=True, slots=True)
class Cycles:
    """Cycles, the largest first; ``edges`` were looked at."""

    cycles: list[Cycle]
    edges: int
    truncated: bool


def routes(
    scope: Scope, source: str, target: str, *, depth: int, level: Level, undirected: bool, limit: int
) -> Routes:
    """Find the ways from one node to another, of at most ``depth`` edges; ``undirected`` goes against the flow too."""
    ends = scope.find(source), scope.find(target)
    graph = Undirected(scope.graph()) if undirected else scope.graph()
    # Each half of a path lies within half the depth of its end: far less than all that either reaches.
    back = Way.DOWNSTREAM if undirected else Way.UPSTREAM
    parts = [
        traverse(graph, ends[0], Way.DOWNSTREAM, (depth + 1) // 2, level, scope.max_nodes),
        traverse(graph, ends[1], back, depth // 2, level, scope.max_nodes),
    ]
    walked = joined(*parts)
    against: set[tuple[str, str]] = set()
    if isinstance(graph, Undirected):
        walked = both_ways(walked)
        against = _against(scope, graph, [node for part in parts for node in part.nodes])
    names = scope.shown(ends[0]), scope.shown(ends[1])
    found = paths(walked, *names, limit, depth)
    truncated = found.truncated or any(part.truncated for part in parts)
    return Routes(*names, [_path(walked, path, against) for path in found.paths], truncated)


def bottlenecks(scope: Scope, node: str, way: Way, *, depth: int, level: Level, limit: int) -> Bottlenecks:
    """Find the nodes that everything between ``node`` and its sources (or final consumers) passes, or much of it."""
    start = scope.find(node)
    found = scope.walk(start, way, depth, level=level)
    graph = digraph(found.nodes, found.links)
    name = scope.shown(start)
    passed = gates(graph, name, upstream=way is Way.UPSTREAM) if name in graph else []
    return Bottlenecks(
        name,
        [Bottleneck(graph.nodes[gate.id]["node"], gate) for gate in passed[:limit]],
        len(found.nodes),
        found.truncated or len(passed) > limit,
    )


def cycles_around(scope: Scope, node: str, *, depth: int, limit: int) -> Cycles:
    """Find the cycles of datasets upstream and downstream of a node, itself included."""
    found = scope.walk(scope.find(node), Way.BOTH, depth, level=Level.DATASET)
    graph = digraph(found.nodes, found.links)
    rings = circles(graph)
    return Cycles(
        [_cycle(sorted(ring), _path(graph, round_trip(graph, ring, min(ring)))) for ring in rings[:limit]],
        graph.number_of_edges(),
        found.truncated or len(rings) > limit,
    )


def all_cycles(scope: Scope, *, max_edges: int, limit: int) -> Cycles:
    """Find the cycles of the whole graph, as far as ``max_edges`` edges between jobs and datasets show them."""
    uses, more = open_edges(scope.conn, max_edges)
    found = rings(uses, lambda ids: sources_of(scope.conn, ids))
    graph = scope.graph()
    names = graph.datasets({id_ for ring in found for id_ in ring.datasets})
    jobs = graph.jobs({id_ for ring in found for id_ in ring.jobs})
    shown: list[Cycle] = []
    for ring in found:
        datasets = {
            id_: text("dataset", names[id_])
            for id_ in ring.datasets
            if id_ in names and not names[id_].hidden
        }
        # Through what the caller may not see there is nothing to show; through what is hidden from all, the rest.
        if len(datasets) > 1 and ring.datasets <= names.keys():
            via = [
                text("job", jobs[id_]) if id_ in jobs and not jobs[id_].hidden else None for id_ in ring.jobs
            ]
            shown.append(_cycle(sorted(datasets.values()), _round(ring.way, via, datasets)))
    return Cycles(shown[:limit], len(uses), more or len(shown) > limit)


def _cycle(datasets: list[str], example: Path) -> Cycle:
    return Cycle(len(datasets), datasets[:MOST_LISTED], example)


def _round(way: list[int], via: list[str | None], names: dict[int, str]) -> Path:
    """Write a way round, leaving out what is hidden; it begins and ends with the first dataset that is not."""
    stops = list(zip(way, via, strict=False))
    first = next(number for number, (id_, _) in enumerate(stops) if id_ in names)
    stops = stops[first:] + stops[:first]
    nodes, steps, passed = [names[stops[0][0]]], list[Step](), list[str]()
    for (_, job), (after, _) in zip(stops, [*stops[1:], stops[0]], strict=True):
        passed += [job] if job is not None else []
        if after in names:
            steps.append(Step(nodes[-1], names[after], "data", tuple(passed)))
            nodes.append(names[after])
            passed = []
    return Path(nodes, steps)


def _path(
    graph: nx.DiGraph[str], nodes: list[str], against: Collection[tuple[str, str]] = frozenset()
) -> Path:
    steps = []
    for one, other in pairwise(nodes):
        edge = graph.edges[one, other]
        ends = (other, one) if (one, other) in against else (one, other)
        steps.append(Step(*ends, edge["kind"], edge["via"]))
    return Path(nodes, steps)


def _against(scope: Scope, graph: Undirected, nodes: list[Node]) -> set[tuple[str, str]]:
    """Give the pairs of nodes between which data flow only from the second to the first."""
    texts = {key: id_ for id_, key in scope.keys(nodes).items()}
    flows = {(texts[one], texts[other]) for one, other in graph.flows if one in texts and other in texts}
    return {(other, one) for one, other in flows} - flows
