"""The chart of a replay: lanes, marks that lie on each other, and an axis by the clock of a zone."""

from __future__ import annotations

import pytest

from collector.web.drawing.replay_chart import LANES, RIGHT, TICKS, WIDTH, Happened, chart
from lineage.instants import parse_instant

HOUR = 3_600_000_000
DAY = 24 * HOUR


def instant(text: str) -> int:
    return parse_instant(text)[0]


SINCE = instant("2026-11-20T00:00Z")


def test_lanes_stand_below_each_other_with_marks_in_their_time() -> None:
    came = [Happened(SINCE, "first"), Happened(SINCE + 12 * HOUR, "noon")]
    fired = [Happened(SINCE + 12 * HOUR, "12:00", "same")]
    drawing = chart(SINCE, SINCE + DAY, "UTC", [("orders", came)], [("would fire", fired), ("did fire", [])])
    assert [(each.name, each.fires, len(each.marks)) for each in drawing.lanes] == [
        ("orders", False, 2),
        ("would fire", True, 1),
        ("did fire", True, 0),
    ]
    assert [each.x for each in drawing.lanes[0].marks] == [drawing.left, (drawing.left + WIDTH - RIGHT) / 2]
    assert drawing.lanes[1].marks[0].kind == "same"
    assert [each.y for each in drawing.lanes] == sorted(each.y for each in drawing.lanes)
    assert drawing.lanes[-1].y < drawing.height


def test_marks_that_lie_on_each_other_are_one_but_kinds_stay_apart() -> None:
    busy = [Happened(SINCE + number * 1_000_000, str(number)) for number in range(1000)]
    mixed = [Happened(SINCE, "a", "same"), Happened(SINCE, "b", "only")]
    drawing = chart(SINCE, SINCE + 30 * DAY, "UTC", [("busy", busy)], [("would fire", mixed)])
    assert [(each.number, each.title) for each in drawing.lanes[0].marks] == [(1000, "1000: 0 …")]
    assert {each.kind for each in drawing.lanes[1].marks} == {"same", "only"}


def test_many_inputs_share_a_lane() -> None:
    rows = [(f"input-{number}", [Happened(SINCE + number * HOUR, "came")]) for number in range(LANES + 5)]
    drawing = chart(SINCE, SINCE + DAY, "UTC", rows, [])
    assert len(drawing.lanes) == LANES + 1
    assert (drawing.lanes[-1].name, len(drawing.lanes[-1].marks)) == ("5 more inputs", 5)


@pytest.mark.parametrize("length", [HOUR, 6 * HOUR, DAY, 3 * DAY, 7 * DAY, 30 * DAY, 365 * DAY])
def test_the_axis_has_a_few_marks(length: int) -> None:
    drawing = chart(SINCE, SINCE + length, "Europe/Berlin", [], [])
    assert 3 <= len(drawing.ticks) <= TICKS + 4
    assert [each.x for each in drawing.ticks] == sorted({each.x for each in drawing.ticks})


def test_the_axis_goes_by_the_clock_also_where_it_is_put_back() -> None:
    since = instant("2026-10-24T22:00Z")  # midnight in Berlin; at three in the night it is two again
    texts = [each.text for each in chart(since, since + 25 * HOUR, "Europe/Berlin", [], []).ticks]
    assert texts == ["25 Oct", *(f"{hour:02}:00" for hour in range(3, 24, 3))]
    days = [each.text for each in chart(since, since + 5 * DAY, "Europe/Berlin", [], []).ticks if each.day]
    assert days == ["25 Oct", "26 Oct", "27 Oct", "28 Oct", "29 Oct"]
