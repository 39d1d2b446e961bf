"""The layered drawing of a graph: from the left to the right as the data flows.

Layers, then few crossings, then short steps up and down: after Sugiyama. Lines are level where they leave and arrive.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from collector.web.drawing import columns as column_lines
from collector.web.drawing import ordering, routes, rows
from collector.web.drawing.cycles import Edge, break_cycles
from collector.web.drawing.layers import Proper, assign, make_proper
from collector.web.drawing.shapes import (
    Box,
    ColumnLine,
    ColumnRoute,
    Drawing,
    Lane,
    Line,
    Placed,
    Route,
    Stub,
)

MARGIN = 28.0
BETWEEN_BOXES = 18.0
BESIDE_BENDS = 12.0
BETWEEN_PARTS = 36.0

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

WRAP = 960.0
"""Boxes that nothing is joined to lie in rows as wide as the rest of the drawing, or as this."""


def layers(ids: Iterable[str], lines: Iterable[Line], *, focus: str | None = None) -> dict[str, int]:
    """Give the layer in which ``layout`` will place each box."""
    names = sorted(ids)
    numbers = {name: number for number, name in enumerate(names)}
    edges = sorted(set(_edges(lines, numbers)))
    back, order = break_cycles(len(names), edges, numbers.get(focus or ""))
    return dict(
        zip(names, assign(len(names), [edge for edge in edges if edge not in back], order), strict=True)
    )


def _edges(lines: Iterable[Line], numbers: dict[str, int]) -> Iterator[Edge]:
    for line in lines:
        if line.source != line.target:
            yield numbers[line.source], numbers[line.target]


def _components(count: int, joined: Iterable[Edge]) -> list[list[int]]:
    """Give the groups of nodes that hang together; each sorted, by their first nodes."""
    root = list(range(count))

    def find(node: int) -> int:
        while root[node] != node:
            root[node] = root[root[node]]
            node = root[node]
        return node

    for first, second in joined:
        low, high = sorted((find(first), find(second)))
        root[high] = low
    groups: dict[int, list[int]] = {}
    for node in range(count):
        groups.setdefault(find(node), []).append(node)
    return list(groups.values())


@dataclass(frozen=True, slots=True)
class _Part:
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

    def below(self, node: int) -> float:
        """Give how far what belongs to a box reaches below its axis."""
        box = self.boxes[node]
        reach = box.height - box.head / 2
        if node in self.crossed:
            reach += self.crossed[node].height
        if node in self.far:
            reach += STUB * min(STUBS, max(map(len, self.far[node]))) + 2
        return reach


def _prepare(boxes: list[Box], lines: list[Line], columns: Sequence[ColumnLine], focus: str | None) -> _Part:
    numbers = {box.id: number for number, box in enumerate(boxes)}
    edges = set(_edges(lines, numbers))
    hot = set(_edges((line for line in lines if line.hot), numbers))
    proper = make_proper(len(boxes), edges, numbers.get(focus or ""), LONGEST, hot)
    order, count = ordering.order(proper)
    crossed, direct = column_lines.crossings(columns, numbers, proper.layer)
    far: dict[int, tuple[list[int], list[int]]] = {}
    for source, target in sorted(edges - proper.ways.keys()):
        far.setdefault(target, ([], []))[0].append(source)
        far.setdefault(source, ([], []))[1].append(target)
    return _Part(boxes, lines, numbers, proper, order, count, crossed, direct, far)


def _weights(part: _Part) -> dict[Edge, float]:
    hot = set(_edges((line for line in part.lines if line.hot), part.numbers))
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


def _columns(part: _Part) -> tuple[list[float], list[float], float]:
    """Give the x at which each layer begins and ends, and at which the part does."""
    busy = [0] * len(part.order)
    for source, _ in part.proper.edges:
        busy[part.proper.layer[source]] += 1
    left, right = [], []
    at, after = 0.0, 0.0
    for number, column in enumerate(part.order):
        boxes = [part.boxes[node] for node in column if node < part.proper.boxes]
        before = max(box.before for box in boxes)
        if number:
            lines = GAP + min(WIDEST_MORE, PER_LINE * busy[number - 1])
            at += max(lines, before + after + GAP / 2)
        else:
            at = max(MARGIN, before + MARGIN / 2)
        left.append(at)
        at += max(box.width for box in boxes)
        right.append(at)
        after = max(box.after - (at - left[-1] - box.width) for box in boxes)
    return left, right, at + max(MARGIN, after + MARGIN / 2)


def _field(part: _Part, top: float) -> tuple[routes.Field, float, float]:
    """Place a part below ``top``. Give also its width and the y at which it ends."""
    proper = part.proper
    bends = len(proper.layer) - proper.boxes
    above = [box.head / 2 for box in part.boxes] + [0.0] * bends
    below = [part.below(node) for node in range(proper.boxes)] + [0.0] * bends
    gaps = [BETWEEN_BOXES] * proper.boxes + [BESIDE_BENDS] * bends
    axis = rows.place(part.order, above, below, gaps, _weights(part))
    down = top - min(axis[column[0]] - above[column[0]] for column in part.order)
    axis = [y + down for y in axis]
    taken = [
        [(axis[node] - above[node], axis[node] + below[node]) for node in column if node < proper.boxes]
        for column in part.order
    ]
    left, right, width = _columns(part)
    used: list[list[float]] = [[] for _ in part.order]
    end = max(axis[column[-1]] + below[column[-1]] for column in part.order)
    return routes.Field(part.boxes, proper.layer, axis, left, right, taken, used), width, end


def _stubs(part: _Part, field: routes.Field) -> dict[Edge, tuple[Stub, ...]]:
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


def _routes(part: _Part, field: routes.Field) -> Iterator[Route]:
    paths = dict(routes.routed(field, part.proper))
    stubs = _stubs(part, field)
    for line in part.lines:
        source, target = part.numbers[line.source], part.numbers[line.target]
        edge = source, target
        if source == target:
            yield Route(line, routes.loop(field, source), back=True)
        elif edge in paths:
            yield Route(line, paths[edge], edge in part.proper.back)
        else:
            yield Route(line, routes.far(field, source, target), stubs=stubs.get(edge, ()), far=True)


def _packed(boxes: Sequence[Box], top: float, wrap: float) -> Iterator[Placed]:
    """Lay boxes that nothing is joined to into rows."""
    x, y, high, number = MARGIN, top, 0.0, 0
    for box in boxes:
        if x > MARGIN and x + box.before + box.width + box.after + MARGIN > wrap:
            x, y, high, number = MARGIN, y + high + BETWEEN_BOXES, 0.0, 0
        yield Placed(box, x + box.before, y, number)
        x += box.before + box.width + box.after + GAP
        high, number = max(high, box.height), number + 1


class _Sheet:
    """What has been drawn so far, from the top down."""

    def __init__(self) -> None:
        self.boxes: list[Placed] = []
        self.routes: list[Route] = []
        self.columns: list[ColumnRoute] = []
        self.lanes: list[Lane] = []
        self.crossings = 0
        self.width = 2 * MARGIN
        self.end = 0.0

    def _top(self) -> float:
        return self.end + BETWEEN_PARTS if self.boxes else MARGIN

    def add(self, part: _Part) -> None:
        field, width, self.end = _field(part, self._top())
        self.width = max(self.width, width)
        self.crossings += part.crossings
        for number, column in enumerate(part.order):
            self.boxes += [
                Placed(part.boxes[node], field.left[number], field.top(node), number)
                for node in column
                if node < part.proper.boxes
            ]
        self.routes += _routes(part, field)
        self.columns += column_lines.routed(field, part.numbers, part.crossed, part.direct)
        self.lanes += [column_lines.block(field, via, crossing) for via, crossing in part.crossed.items()]

    def add_single(self, boxes: Sequence[Box]) -> None:
        placed = list(_packed(boxes, self._top(), max(WRAP, self.width)))
        self.boxes += placed
        self.end = max((each.y + each.box.height for each in placed), default=self.end)
        self.width = max(
            self.width, *(each.x + each.box.width + each.box.after + MARGIN for each in placed), 0
        )

    def drawing(self) -> Drawing:
        painted = sorted(self.routes, key=lambda route: route.line.hot)
        return Drawing(
            self.width,
            self.end + MARGIN,
            tuple(self.boxes),
            tuple(painted),
            tuple(self.columns),
            tuple(self.lanes),
            self.crossings,
        )


def layout(
    boxes: Collection[Box],
    lines: Iterable[Line],
    columns: Iterable[ColumnLine] = (),
    *,
    focus: str | None = None,
) -> Drawing:
    """Place boxes and route lines. The same graph gives the same drawing, in whatever order it comes.

    Cycles are broken so that what follows the ``focus`` lies behind it. Parts that do not hang together are drawn below
    each other: the one with the focus first, then by size; single boxes last. The lines to be drawn on top come last.

    Raises:
        KeyError: a line leads to a box that is not there.
    """
    known = sorted(boxes, key=lambda box: box.id)
    numbers = {box.id: number for number, box in enumerate(known)}
    edges = sorted(set(lines), key=lambda line: (line.source, line.target, line.hot))
    across = sorted(
        set(columns),
        key=lambda each: (each.source, each.source_row, each.target, each.target_row, each.via or ""),
    )
    joined = [(numbers[line.source], numbers[line.target]) for line in edges]
    joined += [(numbers[each.source], numbers[each.target]) for each in across]
    groups = _components(len(known), joined)
    loops = {source for source, target in joined if source == target}
    middle = numbers.get(focus or "", -1)
    groups.sort(key=lambda group: (middle not in group, -len(group), group[0]))
    home = {node: number for number, group in enumerate(groups) for node in group}
    lines_of: list[list[Line]] = [[] for _ in groups]
    for line in edges:
        lines_of[home[numbers[line.source]]].append(line)
    columns_of: list[list[ColumnLine]] = [[] for _ in groups]
    for each in across:
        columns_of[home[numbers[each.source]]].append(each)
    sheet = _Sheet()
    single = []
    for group, own_lines, own_columns in zip(groups, lines_of, columns_of, strict=True):
        if len(group) > 1 or group[0] in loops or group[0] == middle:
            sheet.add(_prepare([known[node] for node in group], own_lines, own_columns, focus))
        else:
            single.append(known[group[0]])
    if single:
        sheet.add_single(single)
    return sheet.drawing()
