"""How far down each node lies, when the order in the layers is known: near what it is joined to, and nowhere too near.

Each node is placed by its axis, the height at which lines leave it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise, repeat
from operator import mul

from collector.web.drawing.cycles import Edge

SWEEPS = 80
WORK = 16_000
"""Sweeps at most; and nodes times sweeps, for large graphs have to do with less."""

PUSH = 1.6
"""How far beyond its wish a node is moved: what hangs together then settles in a third of the sweeps."""

BUMP = 10.0
"""A step as low as this is worth no bend, if there is room to lie level."""

STILL = 0.5
"""When no node moves further than this in a sweep, it is enough."""


def level(wants: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Give the values nearest to ``wants`` that never fall: least squares, by pooling adjacent violators."""
    means: list[float] = []
    heavy: list[float] = []
    many: list[int] = []
    for want, weight in zip(wants, weights, strict=True):
        count = 1
        while means and means[-1] >= want:
            other = heavy.pop()
            want = (means.pop() * other + want * weight) / (other + weight)
            weight += other
            count += many.pop()
        means.append(want)
        heavy.append(weight)
        many.append(count)
    return list(chain.from_iterable(map(repeat, means, many)))


def place(
    columns: Sequence[Sequence[int]],
    above: Sequence[float],
    below: Sequence[float],
    gaps: Sequence[float],
    weights: Mapping[Edge, float],
) -> list[float]:
    """Give the axis of each node.

    ``above`` and ``below`` say how far each node reaches from its axis; between two there is the smaller one's share
    of ``gaps``. The heavier an edge, the straighter it is drawn. Whole lengths give whole rows.
    """
    joined: list[list[int]] = [[] for _ in above]
    shares: list[list[float]] = [[] for _ in above]
    for (source, target), weight in weights.items():
        for node, other in ((source, target), (target, source)):
            joined[node].append(other)
            shares[node].append(weight)
    pulls = [sum(each) for each in shares]
    shares = [[weight / pull for weight in each] for each, pull in zip(shares, pulls, strict=True)]
    # In each column, the axes when all lie as near to each other as they may.
    packed: list[list[float]] = []
    axis = [0.0] * len(above)
    for column in columns:
        tight = [0.0]
        for upper, lower in pairwise(column):
            tight.append(tight[-1] + below[upper] + min(gaps[upper], gaps[lower]) + above[lower])
        packed.append(tight)
        for node, at in zip(column, tight, strict=False):
            axis[node] = at - tight[-1] / 2
    sweeps = max(12, min(SWEEPS, WORK // (len(above) + 1)))
    for sweep in range(sweeps):
        push = PUSH if sweep < sweeps * 0.8 else 1.0
        furthest = 0.0
        there = range(len(columns)) if sweep % 2 == 0 else range(len(columns) - 1, -1, -1)
        for number in there:
            column, tight = columns[number], packed[number]
            wants = []
            for node, least in zip(column, tight, strict=True):
                at = axis[node]
                if joined[node]:
                    at += push * (sum(map(mul, map(axis.__getitem__, joined[node]), shares[node])) - at)
                wants.append(at - least)
            slack = level(wants, [pulls[node] or 1.0 for node in column])
            for node, least, free in zip(column, tight, slack, strict=True):
                furthest = max(furthest, abs(axis[node] - free - least))
                axis[node] = free + least
        if furthest < STILL:
            break
    _level_bumps(columns, packed, axis, weights)
    for column, tight in zip(columns, packed, strict=True):
        # What is rounded is the slack: it never falls, so no gap gets smaller.
        for node, least in zip(column, tight, strict=True):
            axis[node] = round(axis[node] - least) + least
    return axis


def _level_bumps(
    columns: Sequence[Sequence[int]],
    packed: Sequence[Sequence[float]],
    axis: list[float],
    edges: Iterable[Edge],
) -> None:
    """Take small steps out of lines, from the left to the right and back: each node that one line alone leads to is
    moved onto the height of that line, if its neighbours leave room; then each node onto that of its only line to the
    right, if nothing leads to it that is level already.
    """
    before: list[list[int]] = [[] for _ in axis]
    behind: list[list[int]] = [[] for _ in axis]
    for source, target in edges:
        before[target].append(source)
        behind[source].append(target)

    def move(column: Sequence[int], tight: Sequence[float], at: int, want: float) -> None:
        if not 0 < abs(want - axis[column[at]]) <= BUMP:
            return
        if at:
            want = max(want, axis[column[at - 1]] + tight[at] - tight[at - 1])
        if at + 1 < len(column):
            want = min(want, axis[column[at + 1]] - tight[at + 1] + tight[at])
        axis[column[at]] = want

    for column, tight in zip(columns, packed, strict=True):
        for at, node in enumerate(column):
            if len(before[node]) == 1:
                move(column, tight, at, axis[before[node][0]])
    for column, tight in zip(columns[::-1], packed[::-1], strict=True):
        for at, node in enumerate(column):
            if len(behind[node]) == 1 and all(abs(axis[each] - axis[node]) > STILL for each in before[node]):
                move(column, tight, at, axis[behind[node][0]])
