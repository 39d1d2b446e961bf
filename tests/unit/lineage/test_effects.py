"""From which jobs all that worked under a run follow."""

from __future__ import annotations

import pytest

from lineage.effects import Worked, entries


@pytest.mark.parametrize(
    ("worked", "expected"),
    [
        ([], []),
        ([Worked(1, (), ())], []),
        ([Worked(1, [10], ())], [1]),
        # A chain, in whatever order it is told of.
        ([Worked(2, [20], [30]), Worked(1, [10], [20])], [1]),
        # Two that have nothing to do with each other.
        ([Worked(2, [11], [12]), Worked(1, [10], [20])], [2, 1]),
        # What reads the raw table too, besides what another one made, follows from that one.
        ([Worked(1, [10], [20]), Worked(2, [10, 20], [30])], [1]),
        # What one writes that another one appends to.
        ([Worked(1, (), [20]), Worked(2, [20], [20])], [1]),
        ([Worked(2, [20], [20])], [2]),
        # Two that feed each other: one of them, and not what they feed.
        ([Worked(3, [30], [40]), Worked(2, [30], [20]), Worked(1, [20], [30])], [2]),
        # Two runs of one job.
        ([Worked(1, [10], ()), Worked(1, [10], [20]), Worked(2, [20], [30])], [1]),
    ],
)
def test_all_others_follow_from_these(worked: list[Worked], expected: list[int]) -> None:
    assert entries(worked) == expected
