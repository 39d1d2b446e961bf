"""Layered drawings: whatever the graph, everything has its room and can be followed by eye."""

from __future__ import annotations

import random
import re
from collections import Counter
from itertools import combinations, pairwise

import pytest
from hypothesis import HealthCheck, given, settings

from collector.web.drawing.layout import layers, layout
from collector.web.drawing.parts import MARGIN
from collector.web.drawing.shapes import Box, ColumnLine, Drawing, Line, Placed
from collector.web.drawing.views import boxes
from tests.unit.collector.web.drawing import shop
from tests.unit.collector.web.drawing.graphs import dataset, graphs, job, layered

Graph = tuple[list[Box], list[Line], list[ColumnLine], str | None]
Point = tuple[float, float]

STEP = re.compile(r"([MHC])([^MHC]*)")
thorough = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def points(path: str, fine: int = 24) -> list[Point]:
    """Walk along a path as a browser draws it."""
    found: list[Point] = []
    for kind, rest in STEP.findall(path):
        numbers = [float(each) for each in rest.split()]
        if kind == "M":
            found.append((numbers[0], numbers[1]))
        elif kind == "H":
            found.append((numbers[0], found[-1][1]))
        else:
            ends = [found[-1], *zip(numbers[::2], numbers[1::2], strict=True)]
            for step in range(1, fine + 1):
                t = step / fine
                share = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
                found.append(
                    (
                        sum(w * x for w, (x, _) in zip(share, ends, strict=True)),
                        sum(w * y for w, (_, y) in zip(share, ends, strict=True)),
                    )
                )
    return found


def crosses(path: str, placed: Placed) -> bool:
    """Tell whether a path runs through the inside of a box."""
    left, right = placed.x + 0.5, placed.x + placed.box.width - 0.5
    top, bottom = placed.y + 0.5, placed.y + placed.box.height - 0.5
    for (x1, y1), (x2, y2) in pairwise(points(path)):
        if max(x1, x2) > left and min(x1, x2) < right and max(y1, y2) > top and min(y1, y2) < bottom:
            return True
    return False


def drawn(graph: Graph) -> Drawing:
    boxes, lines, columns, focus = graph
    return layout(boxes, lines, columns, focus=focus)


@given(graphs())
@thorough
def test_every_box_is_there_once_and_has_its_gap(graph: Graph) -> None:
    drawing = drawn(graph)
    assert sorted(placed.box.id for placed in drawing.boxes) == sorted(box.id for box in graph[0])
    for one, other in combinations(drawing.boxes, 2):
        apart_y = max(one.y, other.y) - min(one.y + one.box.height, other.y + other.box.height)
        apart_x = max(one.x, other.x) - min(one.x + one.box.width, other.x + other.box.width)
        assert apart_y >= 18 or apart_x >= 48
        if apart_y < 18:
            first, second = sorted((one, other), key=lambda placed: placed.x)
            assert apart_x >= first.box.after + second.box.before


@given(graphs())
@thorough
def test_no_line_crosses_a_box_that_it_does_not_belong_to(graph: Graph) -> None:
    drawing = drawn(graph)
    for route in drawing.routes:
        for placed in drawing.boxes:
            assert placed.box.id in (route.line.source, route.line.target) or not crosses(route.path, placed)
    for column in drawing.columns:
        for placed in drawing.boxes:
            own = placed.box.id in (column.line.source, column.line.target)
            assert own or not crosses(column.path, placed)


@given(graphs())
@thorough
def test_lines_leave_at_the_right_and_arrive_at_the_left_but_for_those_that_close_a_cycle(
    graph: Graph,
) -> None:
    drawing = drawn(graph)
    place = {placed.box.id: placed for placed in drawing.boxes}
    assert {route.line for route in drawing.routes} == set(graph[1])
    for route in drawing.routes:
        source, target = place[route.line.source], place[route.line.target]
        walk = points(route.path)
        for placed, (_, y) in ((source, walk[0]), (target, walk[-1])):
            assert placed.y < y < placed.y + placed.box.head
        if route.back:
            assert source.layer >= target.layer
            assert walk[-1][0] == pytest.approx(target.x + target.box.width + 5, abs=0.1)
        else:
            assert source.layer < target.layer
            assert walk[0][0] == pytest.approx(source.x + source.box.width, abs=0.1)
            assert walk[-1][0] == pytest.approx(target.x - 5, abs=0.1)
            assert all(before[0] <= after[0] for before, after in pairwise(walk))


@given(graphs())
@thorough
def test_the_drawing_holds_everything(graph: Graph) -> None:
    drawing = drawn(graph)
    for placed in drawing.boxes:
        assert placed.box.before <= placed.x
        assert placed.x + placed.box.width + placed.box.after <= drawing.width
        assert 0 < placed.y < placed.y + placed.box.height < drawing.height
    for path in (*(each.path for each in drawing.routes), *(each.path for each in drawing.columns)):
        assert all(0 <= x <= drawing.width and 0 <= y <= drawing.height for x, y in points(path))
    for stub in (stub for route in drawing.routes for stub in route.stubs):
        assert 0 < stub.y < drawing.height


@given(graphs())
@thorough
def test_the_order_in_which_a_graph_comes_does_not_matter(graph: Graph) -> None:
    boxes, lines, columns, focus = graph
    chance = random.Random(1)
    shuffled = [chance.sample(each, len(each)) for each in (boxes, lines, columns)]
    assert layout(*shuffled, focus=focus) == drawn(graph)  # type: ignore[arg-type]  # mixed in one list


@given(graphs())
@thorough
def test_boxes_come_in_the_order_of_the_flow(graph: Graph) -> None:
    drawing = drawn(graph)
    place = {placed.box.id: number for number, placed in enumerate(drawing.boxes)}
    for route in drawing.routes:
        assert route.back or place[route.line.source] < place[route.line.target]


@given(graphs())
@thorough
def test_layers_can_be_had_before_the_boxes_have_their_size(graph: Graph) -> None:
    boxes, lines, _, focus = graph
    joined = {end for line in lines for end in (line.source, line.target)}
    before = layers((box.id for box in boxes), lines, focus=focus)
    after = {placed.box.id: placed.layer for placed in drawn(graph).boxes if placed.box.id in joined}
    assert before.items() >= after.items()


def chain(count: int) -> tuple[list[Box], list[Line]]:
    boxes = [job(f"n{number}") if number % 2 else dataset(f"n{number}") for number in range(count)]
    return boxes, [Line(f"n{number}", f"n{number + 1}") for number in range(count - 1)]


def test_a_chain_is_a_straight_line() -> None:
    drawing = layout(*chain(6))
    assert {placed.y + placed.box.head / 2 for placed in drawing.boxes} == {MARGIN + 22}
    assert not any("C" in route.path for route in drawing.routes)
    assert drawing.crossings == 0


def test_a_cycle_is_broken_behind_the_focus() -> None:
    boxes, lines = chain(4)
    drawing = layout(boxes, [*lines, Line("n3", "n0")], focus="n2")
    layer = {placed.box.id: placed.layer for placed in drawing.boxes}
    assert layer == {"n2": 0, "n3": 1, "n0": 2, "n1": 3}
    assert [route.line for route in drawing.routes if route.back] == [Line("n1", "n2")]


def test_a_line_over_many_layers_becomes_two_stubs_that_name_its_other_end() -> None:
    boxes, lines = chain(8)
    long = Line("n0", "n7")
    drawing = layout(boxes, [*lines, long])
    route = next(route for route in drawing.routes if route.line == long)
    assert route.far
    assert {(stub.other, stub.leaving) for stub in route.stubs} == {("n7", True), ("n0", False)}
    first = next(placed for placed in drawing.boxes if placed.box.id == "n0")
    assert route.stubs[-1].y > first.y + first.box.height or route.stubs[0].y > first.y + first.box.height


def test_a_line_on_the_path_that_matters_is_drawn_whole_and_on_top() -> None:
    boxes, lines = chain(8)
    drawing = layout(boxes, [*lines, Line("n0", "n7", hot=True)])
    assert not any(route.far for route in drawing.routes)
    assert drawing.routes[-1].line.hot


def test_many_long_lines_of_a_box_share_three_stubs() -> None:
    boxes, lines = chain(8)
    boxes += [dataset(f"late{number}") for number in range(6)]
    lines += [Line(end, f"late{number}") for number in range(6) for end in ("n0", "n6")]
    drawing = layout(boxes, lines)
    leaving = [stub for route in drawing.routes for stub in route.stubs if stub.leaving]
    assert len(leaving) == 3
    assert sorted(stub.more for stub in leaving) == [0, 0, 3]


def test_lines_that_arrive_at_a_box_do_not_touch_each_other() -> None:
    boxes = [*(dataset(f"in{number}") for number in range(9)), job("all")]
    drawing = layout(boxes, [Line(box.id, "all") for box in boxes[:-1]])
    heights = sorted(points(route.path)[-1][1] for route in drawing.routes)
    assert all(after - before >= 1 for before, after in pairwise(heights))
    target = drawing.boxes[-1]
    assert target.y < heights[0]
    assert heights[-1] < target.y + 28


def test_what_feeds_a_late_step_lies_beside_it() -> None:
    boxes, lines = chain(6)
    boxes += [dataset("rates"), job("fetch_rates"), dataset("raw_rates")]
    lines += [Line("rates", "fetch_rates"), Line("fetch_rates", "raw_rates"), Line("raw_rates", "n5")]
    found = layers((box.id for box in boxes), lines)
    assert (found["rates"], found["fetch_rates"], found["raw_rates"], found["n5"]) == (2, 3, 4, 5)


def test_columns_run_through_lanes_under_the_job_and_the_rest_is_counted() -> None:
    boxes = [dataset("raw", 12), job("build"), dataset("fct", 12)]
    lines = [Line("raw", "build"), Line("build", "fct")]
    columns = [ColumnLine("raw", row, "fct", row, "build") for row in range(11)]
    drawing = layout(boxes, lines, columns)
    (lane,) = drawing.lanes
    assert len(drawing.columns) == 8
    assert lane.more == 3
    build = next(placed for placed in drawing.boxes if placed.box.id == "build")
    walks = [points(each.path) for each in drawing.columns]
    inside = [y for walk in walks for x, y in walk if build.x <= x <= build.x + 234]
    assert build.y + 28 < min(inside)
    assert max(inside) < lane.y + lane.height


def test_a_column_line_ends_in_the_middle_of_its_rows() -> None:
    drawing = layout(
        [dataset("raw", 2), dataset("fct", 3)], [Line("raw", "fct")], [ColumnLine("raw", 1, "fct", 2)]
    )
    raw, fct = drawing.boxes
    (route,) = drawing.columns
    walk = points(route.path)
    assert walk[0] == (raw.x + 222, raw.y + 44 + 4 + 18 + 9)
    assert walk[-1] == (fct.x, fct.y + 44 + 4 + 36 + 9)


def test_parts_lie_below_each_other_with_the_focus_on_top_and_single_boxes_last() -> None:
    boxes, lines = chain(6)
    boxes += [dataset("a"), job("b"), *(dataset(f"single{number}") for number in range(9))]
    drawing = layout(boxes, [*lines, Line("a", "b")], focus="a")
    ends = {placed.box.id: placed.y for placed in drawing.boxes}
    assert ends["a"] < ends["n0"] < ends["single0"]
    assert {placed.x for placed in drawing.boxes if placed.box.id.startswith("single")} != {MARGIN}


def test_crossings_are_no_more_than_can_be_helped() -> None:
    boxes = [dataset(name) for name in "abcdef"]
    pairs = [("a", "f"), ("b", "e"), ("c", "d"), ("a", "e"), ("b", "d")]
    assert layout(boxes, [Line(*pair) for pair in pairs]).crossings == 0


def test_a_stack_around_a_late_table_is_drawn_to_be_followed() -> None:
    nodes, lines, columns, _, focus = shop.parts()
    drawing = layout(boxes(nodes.values(), lines, focus=focus), lines, columns, focus=focus)
    assert drawing.crossings <= 2
    leaving, arriving = Counter(line.source for line in lines), Counter(line.target for line in lines)
    pairs = [
        "C" in route.path
        for route in drawing.routes
        if leaving[route.line.source] == arriving[route.line.target] == 1
    ]
    assert len(pairs) == 23
    assert sum(pairs) <= 5


def test_nothing_to_draw_is_an_empty_sheet() -> None:
    drawing = layout([], [])
    assert (drawing.boxes, drawing.routes) == ((), ())
    assert drawing.width > 0 < drawing.height


def test_a_line_to_a_box_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        layout([dataset("a")], [Line("a", "b")])


def test_five_hundred_nodes_are_laid_out_whole() -> None:
    boxes, lines = layered(500)
    drawing = layout(boxes, lines, focus="n3")
    assert len(drawing.boxes) == 500
    assert len(drawing.routes) == len(set(lines))
