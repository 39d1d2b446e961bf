"""How fast graphs are laid out, and how well: ``python -m tests.benchmarks.drawing [--nodes 50 500 2000]``.

The baseline is igraph's own Sugiyama layout of the same graph, with its own layers, bends and coordinates, measured in
the same run. Crossings are counted alike in both, along the bends that each has put in; igraph draws all lines whole,
so it is compared to a drawing in which none is a stub. Times are of the processor, the best of several.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import igraph

from collector.web.drawing.cycles import Edge
from collector.web.drawing.layout import layout
from collector.web.drawing.ordering import crossings, warm
from collector.web.drawing.shapes import Box, Line
from tests.unit.collector.web.drawing.graphs import layered

ROUNDS = 5
ITERATIONS = 100
"""What igraph does when it is not told otherwise."""

Point = list[float]
Result = TypeVar("Result")


def best(work: Callable[[], Result]) -> tuple[float, Result]:
    """Give the shortest time, in ms, and the result."""
    times = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        result = work()
        times.append(time.process_time() - begun)
    return min(times) * 1_000, result


def by_igraph(
    boxes: Sequence[Box], lines: Sequence[Line]
) -> tuple[list[Edge], list[Point], list[list[Point]]]:
    """Lay out with igraph alone. Give the edges, where the nodes lie, and where each edge is bent."""
    numbers = {box.id: number for number, box in enumerate(boxes)}
    edges = sorted({(numbers[line.source], numbers[line.target]) for line in lines})
    graph: Any = igraph.Graph(n=len(boxes), edges=edges, directed=True)
    found = graph.layout_sugiyama(maxiter=ITERATIONS)
    return edges, found.coords, found.edge_routing


def crossings_of(edges: Sequence[Edge], nodes: Sequence[Point], bends: Sequence[Sequence[Point]]) -> int:
    """Count the crossings of what igraph has drawn: layers are told apart by their y."""
    points = list(nodes)
    steps: list[Edge] = []
    for (source, target), bent in zip(edges, bends, strict=True):
        way = [source, *range(len(points), len(points) + len(bent)), target]
        points += bent
        way.sort(key=lambda point: points[point][1])
        steps += pairwise(way)
    columns: dict[float, list[int]] = {y: [] for _, y in sorted(points, key=lambda point: point[1])}
    for number in sorted(range(len(points)), key=lambda point: points[point][0]):
        columns[points[number][1]].append(number)
    return crossings(list(columns.values()), steps)


def measure(count: int) -> None:
    """Print a line about a graph of so many nodes."""
    boxes, lines = layered(count)
    took, drawing = best(lambda: layout(boxes, lines, focus="n3"))
    whole = layout(boxes, [Line(line.source, line.target, hot=True) for line in lines], focus="n3")
    plain, found = best(lambda: by_igraph(boxes, lines))
    baseline = crossings_of(*found)
    print(
        f"{count:>6,} {len(set(lines)):>6,} {took:>9.1f} {plain:>10.1f} {took / plain:>7.2f}"
        f" {drawing.crossings:>10,} {whole.crossings:>10,} {baseline:>10,} {whole.crossings / max(1, baseline):>7.2f}"
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[50, 500, 2_000])
    args = parser.parse_args()
    warm()
    print(" nodes  lines  layout ms  igraph ms  times  crossings  all whole     igraph  times")
    for count in args.nodes:
        measure(count)


if __name__ == "__main__":
    main()
