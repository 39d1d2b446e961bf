"""How far down each node lies, when the order in the layers is known: near what it is joined to, and nowhere too near.

Each node is placed by its axis, the height at which lines leave it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from collector.web.drawing.cycles import Edge

SWEEPS = 24
MANY = 600
"""Nodes from which on half of the sweeps must do."""

STILL = 0.5
"""When no node moves further than this in a sweep, it is enough."""


def level(wants: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Give the values nearest to ``wants`` that never fall: least squares, by pooling adjacent violators."""
    pools: list[tuple[float, float, int]] = []
    for want, weight in zip(wants, weights, strict=True):
        count = 1
        while pools and pools[-1][0] >= want:
            mean, heavy, many = pools.pop()
            want = (mean * heavy + want * weight) / (heavy + weight)
            weight += heavy
            count += many
        pools.append((want, weight, count))
    return [mean for mean, _, count in pools for _ in range(count)]


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
    joined: list[list[tuple[int, float]]] = [[] for _ in above]
    for (source, target), weight in weights.items():
        joined[source].append((target, weight))
        joined[target].append((source, weight))
    pulls = [sum(weight for _, weight in each) for each in joined]
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
    sweeps = SWEEPS if len(above) < MANY else SWEEPS // 2
    for sweep in range(sweeps):
        furthest = 0.0
        there = range(len(columns)) if sweep % 2 == 0 else range(len(columns) - 1, -1, -1)
        for number in there:
            column, tight = columns[number], packed[number]
            wants = []
            for node, least in zip(column, tight, strict=True):
                pull = pulls[node]
                want = (
                    sum([axis[other] * weight for other, weight in joined[node]]) / pull
                    if pull
                    else axis[node]
                )
                wants.append(want - least)
            slack = level(wants, [pulls[node] or 1.0 for node in column])
            for node, least, free in zip(column, tight, slack, strict=True):
                moved = abs(axis[node] - free - least)
                if moved > furthest:
                    furthest = moved
                axis[node] = free + least
        if furthest < STILL:
            break
    for column, tight in zip(columns, packed, strict=True):
        # What is rounded is the slack: it never falls, so no gap gets smaller.
        for node, least in zip(column, tight, strict=True):
            axis[node] = round(axis[node] - least) + least
    return axis
