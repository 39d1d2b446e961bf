"""The order of the nodes in each layer, for few crossings. The only place that knows igraph.

igraph's orders are a start, and differ much by luck. From the best of them, nodes are moved in sweeps towards the mean
of what they are joined to, and then change places with their neighbours: together that halves the crossings.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from typing import Any

import igraph

from collector.web.drawing.cycles import Edge
from collector.web.drawing.layers import Proper

TRIES = (1, 4, 10)
"""How often igraph is asked, with so many iterations at most: more of them are not always better."""

SWEEPS = 12
LARGE = 700
"""Nodes, bends included, from which on half of the sweeps must do."""

SMALL = 300
ROUNDS = 4
"""Up to so many nodes, sweeps and changes of places are repeated in turn."""

PASSES = 10
"""Neighbours change places until nothing gets better, yet this often at most."""

Columns = list[list[int]]


def crossings(columns: Sequence[Sequence[int]], edges: Sequence[Edge]) -> int:
    """Count how often edges cross. Each leads from a layer to the next."""
    position = [0] * sum(map(len, columns))
    layer = position[:]
    for number, column in enumerate(columns):
        for place, node in enumerate(column):
            position[node] = place
            layer[node] = number
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


def _ask_igraph(proper: Proper, most: int) -> Columns:
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


class _Search:
    """Looks for an order with fewer crossings than the best so far."""

    def __init__(self, proper: Proper) -> None:
        self._edges = proper.edges
        self._before: list[list[int]] = [[] for _ in proper.layer]
        self._behind: list[list[int]] = [[] for _ in proper.layer]
        for source, target in proper.edges:
            self._before[target].append(source)
            self._behind[source].append(target)
        self._position = [0] * len(proper.layer)
        self.best: Columns = []
        self.fewest = -1

    def keep(self, columns: Columns) -> None:
        """Remember an order if it is the best so far."""
        count = crossings(columns, self._edges)
        if count < self.fewest or not self.best:
            self.best, self.fewest = [column[:] for column in columns], count

    def _note(self, column: Sequence[int]) -> None:
        for place, node in enumerate(column):
            self._position[node] = place

    def sweep(self, columns: Columns, forward: bool) -> None:
        """Sort each layer by the mean of what its nodes are joined to in the one before; others keep their places."""
        position, ends = self._position, self._before if forward else self._behind
        for column in columns:
            self._note(column)
        for column in columns if forward else reversed(columns):
            mean = {
                node: sum([position[end] for end in ends[node]]) / len(ends[node])
                for node in column
                if ends[node]
            }
            moved = iter(sorted(mean, key=mean.__getitem__))
            column[:] = [next(moved) if node in mean else node for node in column]
            self._note(column)

    def swap(self, columns: Columns) -> None:
        """Let neighbours change places where that saves crossings."""
        position = self._position
        for column in columns:
            self._note(column)
        stale = set(range(len(columns)))
        for _ in range(PASSES):
            moved: set[int] = set()
            for number in sorted(stale):
                column = columns[number]
                left = [sorted([position[end] for end in self._before[node]]) for node in column]
                right = [sorted([position[end] for end in self._behind[node]]) for node in column]
                for at in range(len(column) - 1):
                    if _gain(left[at], left[at + 1]) + _gain(right[at], right[at + 1]) > 0:
                        column[at], column[at + 1] = column[at + 1], column[at]
                        left[at], left[at + 1] = left[at + 1], left[at]
                        right[at], right[at + 1] = right[at + 1], right[at]
                        moved.update((number - 1, number, number + 1))
                self._note(column)
            stale = moved & set(range(len(columns)))
            if not stale:
                return


def order(proper: Proper) -> tuple[Columns, int]:
    """Give the nodes of each layer from top to bottom, and how often the edges cross then."""
    search = _Search(proper)
    for most in TRIES:
        search.keep(_ask_igraph(proper, most))
        if not search.fewest:
            return search.best, 0
    columns = [column[:] for column in search.best]
    for sweep in range(SWEEPS if len(proper.layer) < LARGE else SWEEPS // 2):
        search.sweep(columns, sweep % 2 == 0)
        search.keep(columns)
    columns = [column[:] for column in search.best]
    search.swap(columns)
    search.keep(columns)
    for turn in range(ROUNDS if len(proper.layer) < SMALL else 0):
        search.sweep(columns, turn % 2 == 0)
        search.swap(columns)
        search.keep(columns)
    return search.best, search.fewest


def warm() -> None:
    """Let igraph do once what takes it long the first time in a process, about a tenth of a second."""
    _ask_igraph(Proper(2, [0, 1], [(0, 1)], {}, set()), 1)
