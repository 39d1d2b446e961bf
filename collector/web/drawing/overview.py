"""A graph too large for boxes: a mark for each node, one path for all marks of a state, one for all lines.

The reader and the browser are the limit, not the server: five thousand nodes are a handful of elements.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from collector.web.drawing.layout import layers
from collector.web.drawing.shapes import Line

WIDE, HIGH = 8, 4
"""Of a mark."""
STEP_X, STEP_Y = 12, 6
TALLEST = 80
"""Marks above each other; what is more in a layer goes on beside them."""
BETWEEN = 36
MARGIN = 16
SWEEPS = 4
MOST_LINES = 4_000
"""Where there are more, they would be a grey field and half a megabyte: only the marks are drawn then."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the mark of a node lies: its top left corner."""

    id: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Overview:
    """A graph as marks. ``states`` are pairs of a state and the ``d`` of its marks, ``lines`` the ``d`` of all lines;
    ``left_out`` how many lines are not drawn.
    """

    width: int
    height: int
    marks: tuple[Mark, ...]
    states: tuple[tuple[str, str], ...]
    lines: str
    left_out: int
    focus: Mark | None


def _orders(layer: Mapping[str, int], lines: Sequence[Line]) -> list[list[str]]:
    """Give the nodes of each layer, near to those that they are joined to."""
    columns: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for node in sorted(layer):
        columns[layer[node]].append(node)
    before: dict[str, list[str]] = {node: [] for node in layer}
    behind: dict[str, list[str]] = {node: [] for node in layer}
    for line in lines:
        before[line.target].append(line.source)
        behind[line.source].append(line.target)
    place = {node: at / len(column) for column in columns for at, node in enumerate(column)}
    for sweep in range(SWEEPS):
        ends = before if sweep % 2 == 0 else behind
        for column in columns if sweep % 2 == 0 else reversed(columns):
            mean = {
                node: sum(place[end] for end in ends[node]) / len(ends[node]) if ends[node] else place[node]
                for node in column
            }
            column.sort(key=lambda node: (mean[node], node))  # used at once
            place.update((node, at / len(column)) for at, node in enumerate(column))
    return columns


def overview(states: Mapping[str, str], lines: Iterable[Line], *, focus: str | None = None) -> Overview:
    """Lay out the nodes, given with their states. The same graph gives the same drawing, in whatever order it comes.

    Raises:
        KeyError: a line leads to a node that is not there.
    """
    edges = sorted(
        {Line(line.source, line.target) for line in lines}, key=lambda line: (line.source, line.target)
    )
    columns = _orders(layers(states, edges, focus=focus), edges)
    tallest = max((min(TALLEST, len(column)) for column in columns), default=0)
    found: dict[str, Mark] = {}
    x = MARGIN
    for column in columns:
        parts = -(-len(column) // TALLEST)
        rows = -(-len(column) // parts)
        top = MARGIN + (tallest - rows) * STEP_Y // 2
        for at, node in enumerate(column):
            # Row by row, so that neighbours in the order stay neighbours.
            found[node] = Mark(node, x + at % parts * STEP_X, top + at // parts * STEP_Y)
        x += (parts - 1) * STEP_X + WIDE + BETWEEN
    by_state: dict[str, list[str]] = {}
    for node in sorted(states):
        mark = found[node]
        by_state.setdefault(states[node], []).append(f"M{mark.x} {mark.y}h{WIDE}v{HIGH}h-{WIDE}z")
    drawn = edges if len(edges) <= MOST_LINES else []
    curves = []
    for line in drawn:
        source, target = found[line.source], found[line.target]
        begin, end = source.x + WIDE, target.x
        middle, low, high = (begin + end) // 2, source.y + HIGH // 2, target.y + HIGH // 2
        curves.append(f"M{begin} {low}C{middle} {low} {middle} {high} {end} {high}")
    return Overview(
        max(2 * MARGIN, x - BETWEEN + MARGIN),
        2 * MARGIN + tallest * STEP_Y,
        tuple(found.values()),
        tuple((state, "".join(parts)) for state, parts in sorted(by_state.items())),
        "".join(curves),
        len(edges) - len(drawn),
        found.get(focus or ""),
    )
