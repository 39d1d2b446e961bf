"""How much lies around a node, and when that changed: what to know before looking at it."""

from __future__ import annotations

from dataclasses import dataclass

from collector.questions.difference import Around, neighbourhood
from collector.questions.scope import Scope
from collector.storage.edge_changes import Span, Turn, turns
from lineage.timeline import NOW, Moment
from lineage.traverse import Level, Subgraph, Way


@dataclass(frozen=True, slots=True)
class Side:
    """What lies on one side of a node; ``truncated``: more than the scope allows to look at."""

    direct: int
    nodes: int
    jobs: int
    datasets: int
    depth: int
    truncated: bool


@dataclass(frozen=True, slots=True)
class Extent:
    """How much lies around a node."""

    node: str
    upstream: Side
    downstream: Side


@dataclass(frozen=True, slots=True)
class Moments:
    """When edges came or went, the newest first. ``truncated``: there may be earlier ones, or more of the graph."""

    items: list[Turn]
    truncated: bool


def extent(
    scope: Scope, node: str, level: Level, depth: int, moment: Moment = NOW, *, control: bool = False
) -> Extent:
    """Count what lies at most ``depth`` edges up- and downstream of a node; raises as ``Scope.find`` does."""
    start = scope.find(node)
    sides = (
        _side(scope.walk(start, way, depth, level=level, moment=moment, control=control))
        for way in (Way.UPSTREAM, Way.DOWNSTREAM)
    )
    return Extent(scope.shown(start), *sides)


def _side(found: Subgraph) -> Side:
    depths = [node.depth for node in found.nodes if node.depth]
    jobs = sum(node.type == "job" for node in found.nodes if node.depth)
    return Side(
        depths.count(1), len(depths), jobs, len(depths) - jobs, max(depths, default=0), found.truncated
    )


def moments(scope: Scope, around: Around, *, control: bool, limit: int) -> Moments:
    """Tell when the graph around a node, as it is now, changed."""
    near, more = neighbourhood(scope, around, (scope.now,), control)
    items, earlier = turns(scope.conn, Span(0, scope.now, scope.fold, control, near), limit=limit)
    return Moments(items, more or earlier)
