"""The order of the nodes in each layer, for few crossings. The only place that knows igraph."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from typing import Any

import igraph

from collector.web.drawing.cycles import Edge
from collector.web.drawing.layers import Proper

TRIES = ((150, (1, 4, 10, 100)), (600, (1, 4, 10)), (1_500, (1, 10)))
"""How often igraph is asked, each time with so many iterations at most, up to that many nodes. More iterations are
not always better: the fewest crossings win."""

PASSES = 12
"""Neighbours in a layer change places until nothing gets better, yet this often at most."""


def crossings(columns: Sequence[Sequence[int]], edges: Sequence[Edge]) -> int:
    """Count how often edges cross. Each leads from a layer to the next."""
    position = _positions(columns)
    layer = {node: number for number, column in enumerate(columns) for node in column}
    gaps: list[list[tuple[int, int]]] = [[] for _ in columns]
    for source, target in edges:
        gaps[layer[source]].append((position[source], position[target]))
    count = 0
    for gap in gaps:
        seen: list[int] = []
        gap.sort()
        for _, end in gap:
            count += len(seen) - bisect_right(seen, end)
            insort(seen, end)
    return count


def _positions(columns: Sequence[Sequence[int]]) -> dict[int, int]:
    return {node: place for column in columns for place, node in enumerate(column)}


def _ask_igraph(proper: Proper, most: int) -> list[list[int]]:
    graph: Any = igraph.Graph(n=len(proper.layer), edges=proper.edges, directed=True)
    # A list once: each look at the property copies all of it.
    across = [point[0] for point in graph.layout_sugiyama(layers=proper.layer, maxiter=most).coords]
    return [sorted(column, key=lambda node: (across[node], node)) for column in proper.columns()]


def _gain(upper: Sequence[int], lower: Sequence[int]) -> int:
    """Give how many crossings less there are if two nodes change places, from the sorted ends of their edges."""
    gain = 0
    for end in upper if lower else ():
        gain += bisect_left(lower, end) + bisect_right(lower, end) - len(lower)
    return gain


def _swap(columns: list[list[int]], edges: Sequence[Edge]) -> None:
    """Let neighbours change places where that saves crossings."""
    ends: dict[int, tuple[list[int], list[int]]] = {node: ([], []) for column in columns for node in column}
    for source, target in edges:
        ends[source][1].append(target)
        ends[target][0].append(source)
    position = _positions(columns)
    stale = set(range(len(columns)))
    for _ in range(PASSES):
        moved: set[int] = set()
        for number in sorted(stale):
            column = columns[number]
            seen = [tuple(sorted(position[end] for end in side) for side in ends[node]) for node in column]
            for at in range(len(column) - 1):
                (left, right), (next_left, next_right) = seen[at], seen[at + 1]
                if _gain(left, next_left) + _gain(right, next_right) > 0:
                    column[at], column[at + 1] = column[at + 1], column[at]
                    seen[at], seen[at + 1] = seen[at + 1], seen[at]
                    moved.update((number - 1, number, number + 1))
            for place, node in enumerate(column):
                position[node] = place
        stale = moved & set(range(len(columns)))
        if not stale:
            return


def order(proper: Proper) -> tuple[list[list[int]], int]:
    """Give the nodes of each layer from top to bottom, and how often the edges cross then."""
    tries = next((tries for size, tries in TRIES if len(proper.layer) <= size), (1,))
    found = []
    for most in tries:
        columns = _ask_igraph(proper, most)
        found.append((crossings(columns, proper.edges), columns))
        if not found[-1][0]:
            return columns, 0
    columns = min(found, key=lambda one: one[0])[1]
    _swap(columns, proper.edges)
    return columns, crossings(columns, proper.edges)


def warm() -> None:
    """Let igraph do once what takes it long the first time in a process, about a tenth of a second."""
    _ask_igraph(Proper(2, [0, 1], [(0, 1)], {}, set()), 1)
