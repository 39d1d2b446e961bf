"""The geometry of due times: cells, and lanes around now."""

from __future__ import annotations

from typing import Any

from collector.web.drawing import strips, swimlane
from collector.web.drawing.swimlane import HOUR, Times

NOW = 1_795_392_000_000_000


def due(outcome: str, late_by: float | None = None) -> dict[str, Any]:
    return {"outcome": outcome, "late_by": late_by, "deadline": "2026-11-20T07:00:00.000000Z"}


def test_the_newest_due_time_stands_at_the_right_and_what_is_not_known_is_dashed() -> None:
    drawn = strips.strip([due("met", -60.0), due("missed")], 4)
    assert (drawn.width, drawn.height) == (38, 16)
    assert drawn.places == [20, 30]
    assert drawn.begin == 20
    assert [(part.outcome, len(part.items)) for part in drawn.parts] == [("met", 1), ("missed", 1)]
    assert drawn.parts[1].path.startswith("M30 0")
    assert drawn.summary == "last 2: 1 met, 1 missed"


def test_only_the_newest_cells_are_drawn() -> None:
    drawn = strips.strip([due("missed")] + [due("met")] * 30)
    assert drawn.summary == "last 30: 30 met"
    assert drawn.begin == 0
    assert drawn.places[-1] + strips.CELL == drawn.width


def test_lateness_is_height() -> None:
    def height(late_by: float) -> str:
        return strips.strip([due("late", late_by)], 1).parts[0].path

    assert height(0) == "M0 16v-3h8v3z"
    assert height(3600) == "M0 16v-8h8v8z"
    assert height(90_000) == "M0 16v-16h8v16z"


def test_the_tick_of_what_was_met_falls_the_earlier_it_came() -> None:
    def tick(late_by: float) -> str:
        return strips.strip([due("met", late_by)], 1).parts[0].path

    assert tick(0) == "M2 2.5h4"
    assert tick(-3600) == "M2 8h4"
    assert tick(-90_000) == "M2 13.5h4"


def test_of_nothing_it_says_so() -> None:
    assert strips.strip([]).summary == "no due time has passed yet"
    assert strips.strip([]).parts == []
    excluded = strips.strip([due("excluded"), due("failed", 0)], 2)
    assert excluded.summary == "last 2: 1 failed, 1 excluded"


def test_now_is_in_the_middle_of_a_lane() -> None:
    assert swimlane.place(NOW, NOW) == 480
    assert swimlane.axis()[0] == (0, "−6 h")
    assert (480, "now") in swimlane.axis()
    assert swimlane.axis()[-1] == (960, "+6 h")


def test_what_is_out_of_reach_is_left_out_or_cut() -> None:
    drawn = swimlane.lane(
        Times(
            arrivals=(NOW - 7 * HOUR, NOW - HOUR, NOW - HOUR),
            due=(NOW + 3 * HOUR,),
            late_from=(NOW + 3 * HOUR + HOUR // 2,),
            expected=NOW + 7 * HOUR,
            low=NOW + 5 * HOUR,
            high=NOW + 9 * HOUR,
        ),
        NOW,
    )
    assert drawn.arrivals == [400]
    assert (drawn.due, drawn.late_from) == ([720], [760])
    assert (drawn.expected, drawn.whisker, drawn.late) == (None, (880, 960), None)


def test_lateness_lasts_until_now() -> None:
    assert swimlane.lane(Times(late_since=NOW - HOUR), NOW).late == (400, 80)
    # Since long: from the edge on.
    assert swimlane.lane(Times(late_since=NOW - 20 * HOUR), NOW).late == (0, 480)
    assert swimlane.lane(Times(late_since=NOW + HOUR), NOW).late is None
    assert swimlane.lane(Times(low=NOW + 7 * HOUR, high=NOW + 8 * HOUR), NOW).whisker is None
