"""Lines between the columns of datasets: from row to row, through a block of lanes under the job between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from collector.web.drawing.routes import Field, Run, number, path, reversed_runs
from collector.web.drawing.shapes import ROW, Box, ColumnLine, ColumnRoute, Lane

LANE = 10.0
MOST = 8
"""Lanes under one job."""

MORE = 12.0
"""What is added to the block when some lines found no lane, to say so."""

INSET = 14.0
"""How much narrower than its job the block is, on either side."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """The column lines that go through one job: those that are drawn, and how many are not."""

    lines: tuple[ColumnLine, ...]
    more: int

    @property
    def height(self) -> float:
        """What the block adds to the height of the job."""
        return LANE * len(self.lines) + 6 + (MORE if self.more else 0)


def crossings(
    lines: Sequence[ColumnLine], numbers: Mapping[str, int], layer: Sequence[int]
) -> tuple[dict[int, Crossing], list[ColumnLine]]:
    """Sort the lines by the job that they cross; the rest run from box to box.

    A job is crossed only if it lies between the two datasets.
    """
    through: dict[int, list[ColumnLine]] = {}
    direct = []
    for line in lines:
        via = numbers.get(line.via or "")
        if via is not None and layer[numbers[line.source]] < layer[via] < layer[numbers[line.target]]:
            through.setdefault(via, []).append(line)
        else:
            direct.append(line)
    return {
        via: Crossing(tuple(each[:MOST]), max(0, len(each) - MOST)) for via, each in sorted(through.items())
    }, direct


def row_middle(box: Box, top: float, row: int) -> float:
    """Give the y of the middle of a row. The rows lie in the middle of what is left below the head."""
    free = box.height - box.head - box.rows * ROW
    return top + box.head + free / 2 + (row + 0.5) * ROW


def block(field: Field, via: int, crossing: Crossing) -> Lane:
    """Give the block under a job."""
    box = field.boxes[via]
    return Lane(
        field.left[field.layer[via]] + INSET,
        field.top(via) + box.height - 2,
        max(0.0, box.width - 2 * INSET),
        crossing.height + 2,
        crossing.more,
    )


def _ends(field: Field, numbers: Mapping[str, int], line: ColumnLine) -> tuple[Run, Run]:
    """Give where a line leaves its source and arrives at its target, to the right of it."""
    source, target = numbers[line.source], numbers[line.target]
    begin = row_middle(field.boxes[source], field.top(source), line.source_row)
    end = row_middle(field.boxes[target], field.top(target), line.target_row)
    x = field.left[field.layer[target]]
    return (field.edge(source), field.right[field.layer[source]], begin), (x, x, end)


def _crossed(field: Field, numbers: Mapping[str, int], via: int, crossing: Crossing) -> Iterator[ColumnRoute]:
    box, layer = field.boxes[via], field.layer[via]
    ends = [(*_ends(field, numbers, line), line) for line in crossing.lines]
    ends.sort(key=lambda one: (one[0][2] + one[1][2], one[0][2], one[1][2]))
    for place, (first, last, line) in enumerate(ends):
        y = field.top(via) + box.height + 8 + LANE * place
        lane = (field.left[layer], field.right[layer], y)
        before = range(field.layer[numbers[line.source]] + 1, layer)
        behind = range(layer + 1, field.layer[numbers[line.target]])
        runs = field.threaded(first, lane, before)[:-1] + field.threaded(lane, last, behind)
        yield ColumnRoute(line, path(runs))


def _direct(field: Field, numbers: Mapping[str, int], line: ColumnLine) -> ColumnRoute:
    source, target = numbers[line.source], numbers[line.target]
    first, last = _ends(field, numbers, line)
    begin, end = field.layer[source], field.layer[target]
    if begin < end:
        return ColumnRoute(line, path(field.threaded(first, last, range(begin + 1, end))))
    if begin > end:
        # Against the flow: out of the left side, and into the right one.
        into, out = field.edge(target), field.left[begin]
        runs = field.threaded((into, field.right[end], last[2]), (out, out, first[2]), range(end + 1, begin))
        return ColumnRoute(line, path(reversed_runs(runs)))
    # In one layer, most of all within one box: an arc in the gap behind it.
    middle, reach = number(first[2]), number(field.right[begin] + 24)
    curve = f"C{reach} {middle} {reach} {number(last[2])} {number(field.right[begin])} {number(last[2])}"
    ends = f"M{number(first[0])} {middle}H{number(field.right[begin])}", f"H{number(field.edge(target))}"
    return ColumnRoute(line, ends[0] + curve + ends[1])


def routed(
    field: Field, numbers: Mapping[str, int], crossed: Mapping[int, Crossing], direct: Sequence[ColumnLine]
) -> Iterator[ColumnRoute]:
    """Give the ways of all column lines that are drawn."""
    for via, crossing in crossed.items():
        yield from _crossed(field, numbers, via, crossing)
    for line in direct:
        yield _direct(field, numbers, line)
