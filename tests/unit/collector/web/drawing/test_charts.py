"""Small charts: where bars, points and gaps lie."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from collector.web.drawing.charts import bars, line, nice

HOUR = 3_600_000_000


def test_the_longest_bar_fills_the_room_and_the_median_is_marked() -> None:
    drawn = bars([10, 20, 40], pitch=24, room=100, head=20)
    assert [bar.height for bar in drawn.bars] == [25, 50, 100]
    assert [bar.x for bar in drawn.bars] == [4, 28, 52]
    assert (drawn.median, drawn.middle) == (20, 70)
    assert drawn.width == 72


def test_one_bar_beyond_all_measure_is_cut_so_that_the_others_can_be_told_apart() -> None:
    drawn = bars([10, 11, 12, 9000], room=100)
    assert [bar.cut for bar in drawn.bars] == [False, False, False, True]
    assert drawn.bars[3].height == 100
    assert drawn.bars[0].height > 10


def test_what_has_no_length_is_as_high_as_can_be_seen() -> None:
    drawn = bars([None, 0, 5])
    assert [bar.known for bar in drawn.bars] == [False, True, True]
    assert drawn.bars[0].height == drawn.bars[1].height > 0
    assert bars([None]).median is None
    assert bars([]).bars == []


def test_no_line_is_drawn_over_an_unusual_pause() -> None:
    at = [0, 1, 2, 12, 13]
    drawn = line([(hour * HOUR, 10.0) for hour in at])
    assert drawn.path.count("M") == 2
    assert [dot.index for dot in drawn.dots] == [0, 1, 2, 3, 4]


def test_points_lie_by_their_time_and_those_without_a_figure_on_the_base_line() -> None:
    drawn = line([(0, 100), (HOUR, None), (4 * HOUR, 50)], width=400, height=100)
    assert [(dot.x, dot.y) for dot in drawn.dots] == [(0, 0), (400, 50)]
    assert [(dot.index, dot.x, dot.y) for dot in drawn.blank] == [(1, 100, 100)]
    assert drawn.top == 100
    assert drawn.median == 75


def test_points_of_one_instant_lie_in_the_middle() -> None:
    assert [dot.x for dot in line([(5, 1), (5, 2)], width=100).dots] == [50, 50]
    assert line([]).dots == []


@given(st.floats(0, 1e15, allow_nan=False))
def test_the_scale_ends_at_a_round_number_not_far_above(value: float) -> None:
    top = nice(value)
    assert value <= top <= max(1, 2.6 * value)
    digits = top / 10 ** math.floor(math.log10(top))
    assert round(digits, 6) in (1, 2, 2.5, 5)


@given(st.lists(st.none() | st.floats(0, 1e9), max_size=40))
def test_bars_stay_inside_the_drawing(values: list[float | None]) -> None:
    drawn = bars(values)
    for bar in drawn.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= drawn.width
        assert 0 < bar.y <= bar.y + bar.height <= drawn.base + 0.2
