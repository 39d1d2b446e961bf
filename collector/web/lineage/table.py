"""The graph as text: every node with how far away it is, how it stands and what leads to it. Nothing is folded here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from collector.web.lineage.graph import DOWNSTREAM, UPSTREAM, Graph, Node
from collector.web.lineage.wording import due_of

MOST_THROUGH: Final = 3
"""Neighbours that a row names; the rest are a number."""

LONGEST_OUTLINE: Final = 400
"""Nodes that are also listed one inside the other; of more the table is easier to read."""


TITLES: Final = (
    ("Upstream: what it is made from", UPSTREAM),
    ("Downstream: what is made from it", DOWNSTREAM),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A node in the table. ``through`` are its neighbours on the side of the focus, ``more`` how many are not named;
    ``due`` is a deadline that is not met yet.
    """

    node: Node
    hops: int
    through: list[Node]
    more: int
    due: str | None

    @property
    def last(self) -> str | None:
        """Give when it ran or was updated last."""
        known = (self.node.facts.get(name) for name in ("ended_at", "started_at", "last_update"))
        return next((str(at) for at in known if at), None)


@dataclass
class Branch:
    """A node with those beyond it; each node has one place, the nearest."""

    node: Node
    beyond: list[Branch] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the focus, the nearest first."""

    title: str
    rows: list[Row]
    outline: list[Branch]


def sides(graph: Graph, now: int) -> list[Side]:
    """Give what lies upstream and downstream, as it stands at an instant (µs UTC)."""
    outlined = len(graph.nodes) <= LONGEST_OUTLINE
    return [
        Side(title, list(_rows(graph, side, now)), _outline(graph, side) if outlined else [])
        for title, side in TITLES
    ]


def _on(graph: Graph, side: int) -> dict[str, int]:
    """Give the nodes on one side with the edges between, the nearest first."""
    found = {id_: abs(hops) for id_, hops in graph.hops.items() if hops * side > 0}
    return dict(
        sorted(
            found.items(), key=lambda each: (each[1], graph.nodes[each[0]].type, graph.nodes[each[0]].name)
        )
    )


def _nearer(graph: Graph, side: int) -> Mapping[str, list[str]]:
    return graph.behind if side == UPSTREAM else graph.before


def _rows(graph: Graph, side: int, now: int) -> Iterator[Row]:
    nearer = _nearer(graph, side)
    for id_, hops in _on(graph, side).items():
        node = graph.nodes[id_]
        through = [graph.nodes[each] for each in nearer.get(id_, ())]
        more = max(0, len(through) - MOST_THROUGH)
        yield Row(node, hops, through[:MOST_THROUGH], more, due_of(node, now))


def _outline(graph: Graph, side: int) -> list[Branch]:
    branches = {graph.focus: Branch(graph.nodes[graph.focus])}
    nearer = _nearer(graph, side)
    for id_ in _on(graph, side):
        branches[id_] = Branch(graph.nodes[id_])
        # What hangs on a node of the other direction alone has no place of its own among these.
        parent = next((each for each in nearer.get(id_, ()) if each in branches), graph.focus)
        branches[parent].beyond.append(branches[id_])
    return branches[graph.focus].beyond
