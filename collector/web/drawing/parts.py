"""One part of a drawing: boxes that hang together, with all that joins them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from collector.web.drawing import columns as column_lines
from collector.web.drawing import ordering, routes, rows
from collector.web.drawing.cycles import Edge
from collector.web.drawing.layers import Proper, make_proper
from collector.web.drawing.shapes import Box, ColumnLine, Line, Route, Stub

MARGIN = 28.0
BETWEEN_BOXES = 18.0
BESIDE_BENDS = 12.0

GAP = 48.0
PER_LINE = 3.0
WIDEST_MORE = 48.0
"""Between two layers: ``GAP``, and more for each line in it, up to that much."""

LONGEST = 4
"""A line over more layers than these is not drawn whole, but where it lies on the path that matters."""

STUB = 14.0
STUBS = 3
"""Lines of stubs below a box, and how high each is."""

PULLS = (1.0, 3.0, 8.0)
"""How strongly two nodes draw each other to one height, by how many of them are bends."""
HOT_PULL = 3.0
PAIR_PULL = 4.0
"""More strongly still on a path that matters, and where a line is the only one of both its ends."""


def edges_of(lines: Iterable[Line], numbers: dict[str, int]) -> Iterator[Edge]:
    for line in lines:
        if line.source != line.target:
            yield numbers[line.source], numbers[line.target]


@dataclass(frozen=True, slots=True)
class Part:
    """What hangs together, ready to be given its place."""

    boxes: list[Box]
    lines: list[Line]
    numbers: dict[str, int]
    proper: Proper
    order: list[list[int]]
    crossings: int
    crossed: dict[int, column_lines.Crossing]
    direct: list[ColumnLine]
    far: dict[int, tuple[list[int], list[int]]]
    """For each box, the other ends of the lines that are too long: of those that arrive, and of those that leave."""

    @property
    def indent(self) -> float:
        """How far the first layer must stay away from the left."""
        return max(
            MARGIN,
            MARGIN / 2 + max(self.boxes[node].before for node in self.order[0] if node < len(self.boxes)),
        )

    def below(self, node: int) -> float:
        """Give how far what belongs to a box reaches below its axis."""
        box = self.boxes[node]
        reach = box.height - box.head / 2 + box.frame
        if node in self.crossed:
            reach += self.crossed[node].height
        if node in self.far:
            reach += STUB * min(STUBS, max(map(len, self.far[node]))) + 2
        return reach


def prepare(boxes: list[Box], lines: list[Line], columns: Sequence[ColumnLine], focus: str | None) -> Part:
    numbers = {box.id: number for number, box in enumerate(boxes)}
    edges = set(edges_of(lines, numbers))
    hot = set(edges_of((line for line in lines if line.hot), numbers))
    proper = make_proper(len(boxes), edges, numbers.get(focus or ""), LONGEST, hot)
    order, count = ordering.order(proper)
    crossed, direct = column_lines.crossings(columns, numbers, proper.layer)
    far: dict[int, tuple[list[int], list[int]]] = {}
    for source, target in sorted(edges - proper.ways.keys()):
        far.setdefault(target, ([], []))[0].append(source)
        far.setdefault(source, ([], []))[1].append(target)
    return Part(boxes, lines, numbers, proper, order, count, crossed, direct, far)


def _weights(part: Part) -> dict[Edge, float]:
    hot = set(edges_of((line for line in part.lines if line.hot), part.numbers))
    straight = {
        pair
        for edge in hot & part.proper.ways.keys()
        for way in (part.proper.ways[edge],)
        for pair in pairwise(way)
    }
    arriving = Counter(target for _, target in part.proper.edges)
    leaving = Counter(source for source, _ in part.proper.edges)
    return {
        edge: PULLS[sum(node >= part.proper.boxes for node in edge)]
        * (HOT_PULL if edge in straight else 1)
        * (PAIR_PULL if leaving[edge[0]] == arriving[edge[1]] == 1 else 1)
        for edge in part.proper.edges
    }


def _columns(part: Part, at: float) -> tuple[list[float], list[float], float]:
    """Give the x at which each layer begins and ends, from ``at`` on, and at which the part does."""
    busy = [0] * len(part.order)
    for source, _ in part.proper.edges:
        busy[part.proper.layer[source]] += 1
    left, right = [], []
    after = 0.0
    for number, column in enumerate(part.order):
        boxes = [part.boxes[node] for node in column if node < part.proper.boxes]
        if number:
            lines = GAP + min(WIDEST_MORE, PER_LINE * busy[number - 1])
            at += max(lines, max(box.before for box in boxes) + after + GAP / 2)
        left.append(at)
        at += max(box.width for box in boxes)
        right.append(at)
        after = max(box.after - (at - left[-1] - box.width) for box in boxes)
    return left, right, at + max(MARGIN, after + MARGIN / 2)


def place(part: Part, begin: float, top: float) -> tuple[routes.Field, float, float]:
    """Place a part to the right of ``begin`` and below ``top``. Give also the x and the y at which it ends."""
    proper = part.proper
    bends = len(proper.layer) - proper.boxes
    above = [box.head / 2 + box.frame for box in part.boxes] + [0.0] * bends
    below = [part.below(node) for node in range(proper.boxes)] + [0.0] * bends
    gaps = [BETWEEN_BOXES] * proper.boxes + [BESIDE_BENDS] * bends
    axis = rows.place(part.order, above, below, gaps, _weights(part))
    down = top - min(axis[column[0]] - above[column[0]] for column in part.order)
    axis = [y + down for y in axis]
    taken = [
        [(axis[node] - above[node], axis[node] + below[node]) for node in column if node < proper.boxes]
        for column in part.order
    ]
    left, right, width = _columns(part, begin)
    used: list[list[float]] = [[] for _ in part.order]
    end = max(axis[column[-1]] + below[column[-1]] for column in part.order)
    return routes.Field(part.boxes, proper.layer, axis, left, right, taken, used), width, end


def _stubs(part: Part, field: routes.Field) -> dict[Edge, tuple[Stub, ...]]:
    """Write the other ends' names below the boxes of lines that are too long: nearest first."""
    found: dict[Edge, list[Stub]] = {}
    for node, sides in sorted(part.far.items()):
        box = part.boxes[node]
        bottom = field.axis[node] + part.below(node) - STUB * min(STUBS, max(map(len, sides))) - 2
        room = box.width if not all(sides) else box.width / 2 - 4
        for leaving, others in enumerate(sides):
            near = sorted(
                others, key=lambda other: (abs(field.layer[other] - field.layer[node]), field.axis[other])
            )
            for place, other in enumerate(near[:STUBS]):
                x = field.edge(node) if leaving else field.left[field.layer[node]]
                more = len(near) - STUBS if place == STUBS - 1 else 0
                stub = Stub(
                    x, bottom + STUB * (place + 1) - 2, part.boxes[other].id, bool(leaving), room, more
                )
                found.setdefault((node, other) if leaving else (other, node), []).append(stub)
    return {edge: tuple(stubs) for edge, stubs in found.items()}


def routed(part: Part, field: routes.Field) -> Iterator[Route]:
    ways = dict(routes.routed(field, part.proper))
    stubs = _stubs(part, field)
    for line in part.lines:
        source, target = part.numbers[line.source], part.numbers[line.target]
        edge = source, target
        if source == target:
            yield Route(line, routes.loop(field, source), back=True)
        elif edge in ways:
            runs = ways[edge]
            falls = runs[1][2] - runs[0][2], runs[-2][2] - runs[-1][2]
            yield Route(line, routes.path(runs), edge in part.proper.back, falls=falls)
        else:
            yield Route(line, routes.far(field, source, target), stubs=stubs.get(edge, ()), far=True)
