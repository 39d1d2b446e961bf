"""Made-up graphs to be drawn."""

from __future__ import annotations

import random

from hypothesis import strategies as st

from collector.web.drawing.shapes import ROW, Box, ColumnLine, Line


def dataset(name: str, rows: int = 0) -> Box:
    """Give a box as it is drawn for a dataset, with some of its columns."""
    return Box(name, 222, 44 + (rows * ROW + 8 if rows else 0), 44, rows)


def job(name: str) -> Box:
    """Give a box as it is drawn for a job."""
    return Box(name, 234, 28, 28)


def layered(count: int, seed: int = 1) -> tuple[list[Box], list[Line]]:
    """Make a graph as a stack has them: most lines lead to the next layer, a few much further."""
    chance = random.Random(seed)
    depth = max(3, int(count**0.45))
    layer = [chance.randrange(depth) for _ in range(count)]
    by_layer: dict[int, list[int]] = {}
    for node, number in enumerate(layer):
        by_layer.setdefault(number, []).append(node)
    lines = []
    for node, number in enumerate(layer):
        for _ in range(chance.choice((1, 1, 1, 2, 2, 3)) if number else 0):
            before = by_layer.get(number - 1 if chance.random() < 0.8 else chance.randrange(number))
            if before:
                lines.append(Line(f"n{chance.choice(before)}", f"n{node}"))
    boxes = [dataset(f"n{node}") if number % 2 == 0 else job(f"n{node}") for node, number in enumerate(layer)]
    return boxes, lines


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Box], list[Line], list[ColumnLine], str | None]:
    """Make any graph: with cycles, single boxes, several parts, open columns, lines of a box to itself."""
    count = draw(st.integers(1, 24))
    number = st.integers(0, count - 1)
    boxes = [
        draw(
            st.builds(
                lambda wide, rows, name, room: (
                    Box(name, wide, 44 + (rows * ROW + 8 if rows else 0), 44, rows, *room)
                    if rows or wide % 2
                    else Box(name, wide, 28, 28, 0, *room)
                ),
                st.integers(160, 280),
                st.sampled_from((0, 0, 0, 2, 5)),
                st.just(f"n{node}"),
                st.sampled_from(((0, 0), (0, 0), (0, 46), (46, 46))),
            )
        )
        for node in range(count)
    ]
    # Short ways are likelier than long ones, or all would hang in one knot.
    pairs = draw(st.lists(st.tuples(number, st.integers(-2, 9), st.booleans()), max_size=2 * count))
    lines = [Line(f"n{at}", f"n{max(0, min(count - 1, at + step))}", hot) for at, step, hot in pairs]
    open_ = [box for box in boxes if box.rows]
    columns = []
    if open_:
        for _ in range(draw(st.integers(0, 14))):
            source, target = draw(st.sampled_from(open_)), draw(st.sampled_from(open_))
            via = draw(st.sampled_from([None, *(box.id for box in boxes)]))
            rows = draw(st.integers(0, source.rows - 1)), draw(st.integers(0, target.rows - 1))
            columns.append(ColumnLine(source.id, rows[0], target.id, rows[1], via, draw(st.booleans())))
    return boxes, lines, columns, draw(st.sampled_from([None, *(box.id for box in boxes)]))
