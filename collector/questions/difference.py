"""What came and what went between two instants, and which run did it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from collector.questions.scope import Scope
from collector.storage.edge_changes import EdgeChange, Span, edge_changes, present
from collector.storage.pages import Key as PageKey
from collector.storage.runs import RunRow, runs_by_id
from lineage.fold import LinkKind
from lineage.model import DatasetRef, JobRef
from lineage.timeline import Moment
from lineage.traverse import Key, Named, Way, text

Word = Literal["came", "went"]


class EdgeDifference(NamedTuple):
    """An edge came or went. ``run`` is None where a declaration did it, or a run that the caller may not see."""

    change: Word
    source: str
    target: str
    kind: LinkKind
    at: int
    run: RunRow | None


class NodeDifference(NamedTuple):
    """A node had no edge before, or has none any more."""

    change: Word
    id: str
    type: str
    namespace: str
    name: str


class Around(NamedTuple):
    """A node, and how far from it to look."""

    node: JobRef | DatasetRef
    way: Way
    depth: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A page of changes in the order of time, with the nodes at their ends that came or went.

    ``truncated``: the neighbourhood was larger than what was looked at.
    """

    edges: list[EdgeDifference]
    nodes: list[NodeDifference]
    truncated: bool
    next: PageKey | None


def difference(
    scope: Scope,
    start: int,
    end: int,
    *,
    around: Around | None = None,
    control: bool = False,
    after: PageKey | None = None,
    limit: int,
) -> Difference:
    """Compare the graph at ``end`` with what it was at ``start``, in µs UTC; ``around`` a node, or all of it."""
    span, truncated = Span(start, end, scope.fold, control), False
    if around is not None:
        near, truncated = neighbourhood(scope, around, (start, end), control)
        span = replace(span, near=near)
    page = edge_changes(scope.conn, span, after=after, limit=limit)
    names = scope.names(key for item in page.items for key in item[:2])
    items = [item for item in page.items if item.source in names and item.target in names]
    runs = runs_by_id(scope.conn, (_run_id(item) for item in items), scope.visible)
    edges = [
        EdgeDifference(
            "came" if item.change.came else "went",
            text(item.source[0], names[item.source]),
            text(item.target[0], names[item.target]),
            item.kind,
            item.change.at,
            runs.get(_run_id(item)),
        )
        for item in items
    ]
    nodes = [
        NodeDifference(word, text(key[0], names[key]), key[0], names[key].namespace, names[key].name)
        for word, key in _nodes(scope, items, start, end, names)
    ]
    return Difference(edges, nodes, truncated, page.next)


def neighbourhood(
    scope: Scope, around: Around, instants: tuple[int, ...], control: bool
) -> tuple[set[Key], bool]:
    """Give what is near a node at any of these instants, and whether there was more."""
    parts = [
        scope.walk(around.node, around.way, around.depth, moment=Moment(instant), control=control)
        for instant in instants
    ]
    keys = {key for part in parts for key in scope.keys(part.nodes).values()}
    return keys, any(part.truncated for part in parts)


def _nodes(
    scope: Scope, items: list[EdgeChange], start: int, end: int, names: dict[Key, Named]
) -> list[tuple[Word, Key]]:
    """Give the ends of edges that came and had no edge before, and of those that went and have none now."""
    found: list[tuple[Word, Key]] = []
    sides: tuple[tuple[Word, bool, int], ...] = (("came", True, start), ("went", False, end))
    for word, came, instant in sides:
        ends = {key for item in items if item.change.came is came for key in item[:2]}
        there = present(scope.conn, ends, Moment(instant), scope.fold)
        found += ((word, key) for key in sorted(ends - there, key=lambda key: (key[0], names[key][:2])))
    return found


def _run_id(item: EdgeChange) -> int:
    return item.change.run_id or 0
