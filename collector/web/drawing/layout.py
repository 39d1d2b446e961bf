"""The layered drawing of a graph: from the left to the right as the data flows.

Layers, then few crossings, then short steps up and down: after Sugiyama. Lines are level where they leave and arrive.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from collector.web.drawing import columns as column_lines
from collector.web.drawing.cycles import Edge, break_cycles
from collector.web.drawing.layers import assign
from collector.web.drawing.parts import BETWEEN_BOXES, GAP, MARGIN, Part, edges_of, place, prepare, routed
from collector.web.drawing.shapes import (
    Box,
    ColumnLine,
    ColumnRoute,
    Drawing,
    Lane,
    Line,
    Placed,
    Route,
)

BETWEEN_PARTS = 36.0

WRAP = 960.0
"""Boxes that nothing is joined to lie in rows as wide as the rest of the drawing, or as this."""


def layers(ids: Iterable[str], lines: Iterable[Line], *, focus: str | None = None) -> dict[str, int]:
    """Give the layer in which ``layout`` will place each box."""
    names = sorted(ids)
    numbers = {name: number for number, name in enumerate(names)}
    edges = sorted(set(edges_of(lines, numbers)))
    back, order = break_cycles(len(names), edges, numbers.get(focus or ""))
    return dict(
        zip(names, assign(len(names), [edge for edge in edges if edge not in back], order), strict=True)
    )


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


def _packed(boxes: Sequence[Box], begin: float, top: float, wrap: float) -> Iterator[Placed]:
    """Lay boxes that nothing is joined to into rows."""
    x, y, high, number = begin, top, 0.0, 0
    for box in boxes:
        if number and x + box.before + box.width + box.after + MARGIN > wrap:
            x, y, high, number = begin, y + high + BETWEEN_BOXES, 0.0, 0
        x = max(x, box.before + MARGIN / 2) if number == 0 else x + box.before
        yield Placed(box, x, y, number)
        x += box.width + box.after + GAP
        high, number = max(high, box.height), number + 1


class _Sheet:
    """What has been drawn so far, from the top down."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._indent = max((part.indent for part in parts), default=MARGIN)
        self.boxes: list[Placed] = []
        self.routes: list[Route] = []
        self.columns: list[ColumnRoute] = []
        self.lanes: list[Lane] = []
        self.crossings = 0
        self.width = 2 * MARGIN
        self.end = 0.0

    def _top(self) -> float:
        return self.end + BETWEEN_PARTS if self.boxes else MARGIN

    def add(self, part: Part) -> None:
        field, width, self.end = place(part, self._indent, self._top())
        self.width = max(self.width, width)
        self.crossings += part.crossings
        for number, column in enumerate(part.order):
            self.boxes += [
                Placed(part.boxes[node], field.left[number], field.top(node), number)
                for node in column
                if node < part.proper.boxes
            ]
        self.routes += routed(part, field)
        self.columns += column_lines.routed(field, part.numbers, part.crossed, part.direct)
        self.lanes += [column_lines.block(field, via, crossing) for via, crossing in part.crossed.items()]

    def add_single(self, boxes: Sequence[Box]) -> None:
        placed = list(_packed(boxes, self._indent, self._top(), max(WRAP, self.width)))
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
        key=lambda each: (
            *(each.source, each.source_row, each.target, each.target_row),
            *(each.via or "", each.indirect),
        ),
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
    parts, single = [], []
    for group, own_lines, own_columns in zip(groups, lines_of, columns_of, strict=True):
        if len(group) > 1 or group[0] in loops or group[0] == middle:
            parts.append(prepare([known[node] for node in group], own_lines, own_columns, focus))
        else:
            single.append(known[group[0]])
    sheet = _Sheet(parts)
    for part in parts:
        sheet.add(part)
    if single:
        sheet.add_single(single)
    return sheet.drawing()
