"""One alert at the cause: what lies downstream of something bad is affected by it, and says nothing of its own.

A node is affected by another when that lies upstream within a number of edges, went bad before it did (or at the same
moment: a common deadline), and has been bad ever since the node was last good. When the cause has gone, it counts for
a while longer, in which everything after it may catch up; what is bad after that alerts by itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import networkx as nx

from triggers.alerts import Alert

DEPTH = 10
"""Edges between a cause and what is affected, without anything bad in between; a chain of bad nodes may be longer."""

LONGEST = 50
"""Nodes of a path; nobody reads more, and chains of thousands would cost their square."""

RESUME_AFTER = 15 * 60_000_000
"""µs after the end of a cause in which what is affected may catch up."""


@dataclass(frozen=True, slots=True)
class Affected:
    """Why an alert is not told as one of its own."""

    cause: str
    """The node furthest upstream that is bad, with nothing bad before it that explains it."""
    root: str
    """The fingerprint of the alert there."""
    via: str
    """The fingerprint of the nearest alert upstream that explains this one."""
    leg: tuple[str, ...]
    """The nodes from there to this one, both included."""
    gone_at: int | None = None
    """When the cause ended (µs UTC); None while it lasts."""


def inhibit(
    alerts: Mapping[str, Alert],
    graph: nx.DiGraph[str],
    now: int,
    depth: int = DEPTH,
    resume_after: int = RESUME_AFTER,
) -> dict[str, Affected]:
    """Give those of the open alerts (by fingerprint) that something upstream explains.

    The edges of ``graph`` lead the way data flow. Among ``alerts`` must be those that ended within ``resume_after``.
    Nodes of a circle come one before the other in order of time, then of id, so that one of them stays the cause.
    Takes memory of alerts × nodes downstream of them / 8 bytes at most.
    """
    order = _Order(alerts.values(), graph, now, resume_after)
    found: dict[str, Affected] = {}
    vias = _nearest(order, graph, depth)
    legs = _legs(order, vias, graph)
    for place, via in sorted(vias.items()):  # the explaining one comes earlier, and is explained already
        source, alert = order.alerts[via], order.alerts[place]
        before = found.get(source.fingerprint)
        cause, root, gone_at = source.node, source.fingerprint, None if source.open(now) else source.ends
        if before is not None:
            cause, root, gone_at = before.cause, before.root, before.gone_at
        found[alert.fingerprint] = Affected(cause, root, source.fingerprint, legs[place], gone_at)
    return found


def path(affected: Mapping[str, Affected], fingerprint: str, longest: int = LONGEST) -> tuple[str, ...]:
    """Give the nodes from the cause of an affected alert to its own, both included, through what is bad in between.

    Of a way of many more nodes than ``longest``, the cause and the last of them; of an alert not affected, none.
    """
    found = affected.get(fingerprint)
    if found is None:
        return ()
    nodes = list(reversed(found.leg))
    while (before := affected.get(found.via)) is not None:
        if len(nodes) > longest:
            return before.cause, *reversed(nodes)
        nodes += reversed(before.leg[:-1])
        found = before
    return tuple(reversed(nodes))


class _Order:
    """The alerts that may be causes or affected, ordered so that each can only be explained by one before it.

    Sets of alerts are the bits of a number, each at its place in the order.
    """

    def __init__(self, alerts: Iterable[Alert], graph: nx.DiGraph[str], now: int, resume_after: int) -> None:
        counted = [
            alert
            for alert in alerts
            if alert.open(now) or (alert.ends is not None and alert.ends <= now < alert.ends + resume_after)
        ]
        ranks = _ranks(graph)
        self.alerts = sorted(
            counted,
            key=lambda alert: (alert.starts, ranks.get(alert.node, 0), alert.node, alert.fingerprint),
        )
        self.starts = [alert.starts for alert in self.alerts]
        self.open = 0
        self.at: dict[str, list[int]] = defaultdict(list)
        for place, alert in enumerate(self.alerts):
            self.at[alert.node].append(place)
            if alert.open(now):
                self.open |= 1 << place
        self.of = {node: sum(1 << place for place in places) for node, places in self.at.items()}

    def explaining(self, place: int) -> int:
        """Give the set of alerts that, upstream, would explain one: gone bad before it, but since it was good."""
        good = self.alerts[place].last_good
        first = 0 if good is None else bisect_right(self.starts, good)
        return ((1 << place) - (1 << first)) & ~self.of[self.alerts[place].node] if first < place else 0


@lru_cache(maxsize=1)
def _ranks(graph: nx.DiGraph[str]) -> Mapping[str, int]:
    """Number the nodes of a graph, which must not change any more, so that data flow from lower to higher numbers.

    Nodes of a circle have one number. A replay asks thousands of times about one graph.
    """
    # Sorted, so that the order of components does not depend on that of the input.
    known: nx.DiGraph[str] = nx.DiGraph()
    known.add_nodes_from(sorted(graph))
    known.add_edges_from(sorted(graph.edges))
    # Components come after those that they lead to.
    components = enumerate(nx.strongly_connected_components(known))
    return {node: -number for number, component in components for node in component}


def _nearest(order: _Order, graph: nx.DiGraph[str], depth: int) -> dict[int, int]:
    """Give the place of the nearest explaining alert for each open one that has any; an open one before one gone.

    In each round every node takes over what its predecessors knew in the round before: all nodes at once, so that the
    cost does not grow with the number of alerts times the size of the graph above each.
    """
    pending = {
        node: {place: order.explaining(place) for place in places if order.open >> place & 1}
        for node, places in order.at.items()
        if node in graph
    }
    upstream: dict[str, int] = defaultdict(int)
    changed = {node: order.of[node] for node in pending}
    found: dict[int, int] = {}
    gone: dict[int, int] = {}
    for _ in range(depth):
        news: dict[str, int] = defaultdict(int)
        for node, bits in changed.items():
            for after in graph.successors(node):
                news[after] |= bits
        changed = {}
        for node, bits in news.items():
            if fresh := bits & ~upstream[node]:
                upstream[node] |= fresh
                changed[node] = fresh
                for place, wanted in list(pending.get(node, {}).items()):
                    if candidates := fresh & wanted & order.open:
                        found[place] = _lowest(candidates)
                        del pending[node][place]
                    elif candidates := fresh & wanted:
                        gone.setdefault(place, _lowest(candidates))
        if not changed:
            break
    return gone | found


def _lowest(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


def _legs(order: _Order, vias: Mapping[int, int], graph: nx.DiGraph[str]) -> dict[int, tuple[str, ...]]:
    """Give a shortest way from the explaining alert's node to each explained one's, always the same."""
    wanted: dict[str, list[int]] = defaultdict(list)
    for place, via in vias.items():
        wanted[order.alerts[via].node].append(place)
    legs: dict[int, tuple[str, ...]] = {}
    for source, places in wanted.items():
        before: dict[str, str | None] = {source: None}
        missing = {order.alerts[place].node for place in places}
        level = [source]
        while missing:
            following: list[str] = []
            for node in level:
                for after in sorted(graph.successors(node)):
                    if after not in before:
                        before[after] = node
                        following.append(after)
            missing.difference_update(following)
            level = following
        for place in places:
            leg: list[str] = []
            node_: str | None = order.alerts[place].node
            while node_ is not None:
                leg.append(node_)
                node_ = before[node_]
            legs[place] = tuple(reversed(leg))
    return legs
