"""When things ran, as bars along an axis, and the events of one run with their pauses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collector.web.drawing.gantt import SECOND, THINNEST, WIDTH, Row, Step, Stretch, gantt, steps

MINUTE = 60 * SECOND


def test_bars_lie_between_the_first_start_and_the_last_end() -> None:
    drawn = gantt([Stretch(0, 100 * MINUTE), Stretch(50 * MINUTE, 75 * MINUTE), None], now=500 * MINUTE)
    assert drawn is not None
    assert (drawn.since, drawn.until) == (0, 100 * MINUTE)
    assert drawn.rows == [Row(0, WIDTH, False), Row(500, 250, False), None]


def test_what_has_not_ended_lasts_until_now() -> None:
    drawn = gantt([Stretch(0, 10 * MINUTE), Stretch(5 * MINUTE, None)], now=20 * MINUTE)
    assert drawn is not None
    assert drawn.until == 20 * MINUTE
    assert drawn.rows[1] == Row(250, 750, True)


def test_nothing_that_began_is_no_drawing() -> None:
    assert gantt([None, None], now=5) is None
    assert gantt([], now=5) is None


@given(
    st.lists(st.tuples(st.integers(0, 10**15), st.none() | st.integers(0, 10**15)), min_size=1, max_size=30)
)
def test_every_bar_can_be_seen_and_lies_on_the_axis(pairs: list[tuple[int, int | None]]) -> None:
    drawn = gantt([Stretch(start, end) for start, end in pairs], now=5 * 10**14)
    assert drawn is not None
    for row in drawn.rows:
        assert row is not None
        assert row.width >= THINNEST
        assert -0.1 <= row.x <= row.x + row.width <= WIDTH + 0.2


def test_events_of_one_kind_are_told_together_and_long_pauses_stand_out() -> None:
    told = [(0, "START"), (MINUTE, "RUNNING"), (2 * MINUTE, "RUNNING"), (16 * MINUTE, "COMPLETE")]
    assert list(steps(told, None)) == [
        Step("START", 0, 0),
        Step("RUNNING", MINUTE, 2 * MINUTE, 2),
        Step(None, 2 * MINUTE, 16 * MINUTE),
        Step("COMPLETE", 16 * MINUTE, 16 * MINUTE),
    ]
    assert list(steps(told, None))[2].seconds == 14 * 60


def test_a_run_that_has_not_ended_may_be_silent_since_long() -> None:
    assert list(steps([(0, "START")], now=30 * MINUTE)) == [Step("START", 0, 0), Step(None, 0, 30 * MINUTE)]
    assert list(steps([(0, "START")], now=SECOND)) == [Step("START", 0, 0)]


def test_events_come_in_the_order_of_their_times_whatever_came_first() -> None:
    assert [step.kind for step in steps([(5, "COMPLETE"), (1, "START")], None)] == ["START", "COMPLETE"]
    assert list(steps([], now=5)) == []
