"""The drawing of a join: rows in the order of the rule, gates that stand clear of other lines, folds that count."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from collector.web.drawing.joins import MOST, Box, Fork, Gate, JoinDrawing, Placed, Wire, drawn, folded


def box(name: str, *, there: bool = False, optional: bool = False) -> Box:
    return Box(name, "a note", "arrived" if there else "waiting", optional)


INNER = Fork(2, (box("a", there=True), box("b")), met=False)
NESTED = Fork(
    3,
    (
        box("orders"),
        Fork(1, (box("payments", there=True), box("refunds")), met=True),
        Fork(2, (box("rates"), box("stock", there=True), INNER), met=False),
    ),
    met=False,
)


def points(path: str) -> list[tuple[float, float]]:
    """Give the ends of the pieces of a path."""
    found: list[tuple[float, float]] = []
    for letter, rest in re.findall(r"([MHC])([^MHC]*)", path):
        numbers = [float(each) for each in rest.split()]
        found.append((numbers[0], found[-1][1]) if letter == "H" else (numbers[-2], numbers[-1]))
    return found


def all_of(number: int, there: int, optional: int = 0) -> Fork:
    boxes = [box(f"input-{at}", there=at < there) for at in range(number)]
    more = [box(f"optional-{at}", optional=True) for at in range(optional)]
    return Fork(number, (*boxes, *more), met=there == number)


def test_inputs_stand_in_the_order_of_the_rule_and_gates_say_what_they_need() -> None:
    drawing = drawn(NESTED, actions=[Box("start prefect", "mart")])
    assert [each.name for each in drawing.inputs] == [
        "orders",
        "payments",
        "refunds",
        "rates",
        "stock",
        "a",
        "b",
    ]
    assert all(one.y + one.height < other.y for one, other in pairwise(drawing.inputs))
    assert {(each.word, each.fraction, each.met) for each in drawing.gates} == {
        ("ANY", "1 of 2", True),
        ("ALL", "1 of 2", False),
        ("2 OF 3", "1 of 3", False),
        ("ALL", "1 of 3", False),
    }
    assert [each.share for each in drawing.gates if each.word == "2 OF 3"] == [0.5]


def test_lines_end_at_their_gates_and_cross_neither_gates_nor_each_other() -> None:
    drawing = drawn(NESTED, actions=[Box("start prefect")])
    solid = [each for each in drawing.wires if each.done]
    # What came, the gate that is met; never what is done while the condition is not.
    assert len(solid) == 4
    assert len(drawing.wires) == 7 + 3 + 1
    for wire in drawing.wires:
        for (x, y), (end, level) in pairwise(points(wire.path)):
            if y == level:
                assert not any(
                    x < gate.x + gate.width and gate.x + 7 < end and gate.y < y < gate.y + gate.height
                    for gate in drawing.gates
                )


@pytest.mark.parametrize("holds", [0, 3])
@pytest.mark.parametrize("actions", [1, 6])
@pytest.mark.parametrize("inputs", [1, 2, 20, 40])
def test_everything_lies_within_the_drawing(inputs: int, actions: int, holds: int) -> None:
    held = [Box("cooldown", "until 09:00", "held")] * holds
    drawing = drawn(all_of(inputs, inputs, 1), held, [Box("start prefect", "x" * 90)] * actions)
    everything: list[Placed | Gate] = [*drawing.inputs, *drawing.gates, *drawing.holds, *drawing.actions]
    for each in everything:
        assert each.x >= 0
        assert each.x + each.width <= drawing.width
        assert each.y >= 0
        assert each.y + each.height <= drawing.height
    for wire in drawing.wires:
        assert all(0 <= x <= drawing.width and 0 <= y <= drawing.height for x, y in points(wire.path))
    solid = {each.done for each in out(drawing)}
    assert solid == {not holds}


def out(drawing: JoinDrawing) -> list[Wire]:
    """Give the lines that arrive at the actions."""
    return [each for each in drawing.wires if points(each.path)[-1][0] == drawing.actions[0].x]


def test_of_many_inputs_what_has_come_is_put_together_and_counted() -> None:
    drawing = drawn(all_of(31, 9, 2))
    assert len(drawing.inputs) < MOST
    assert drawing.inputs[-1].name == "and 22 more"
    assert drawing.inputs[-1].note == "9 arrived, 13 not"
    assert (drawing.gates[0].word, drawing.gates[0].fraction) == ("ALL", "9 of 31")
    assert drawing.gates[0].share == pytest.approx(9 / 31)
    assert [each.state for each in folded(all_of(14, 13)).parts if isinstance(each, Box)][-1] == "arrived"
    assert len(folded(all_of(12, 5)).parts) == 12


def test_what_is_optional_is_not_counted() -> None:
    drawing = drawn(all_of(2, 2, 1))
    assert (drawing.gates[0].fraction, drawing.gates[0].met) == ("2 of 2", True)
    assert [each.optional for each in drawing.wires if not each.done] == [True]


def test_long_names_are_cut_to_their_boxes() -> None:
    drawing = drawn(
        Fork(1, (Box("warehouse.public." + "x" * 90, "n" * 90, "waiting", title="all"),), met=False)
    )
    placed = drawing.inputs[0]
    assert placed.name.startswith("…")
    assert placed.note.endswith("…")
    assert placed.width < 360
    assert placed.box.title == "all"
